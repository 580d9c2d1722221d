"""What the exceptions of the client mean for a link."""

import ssl

import aiohttp
from aiohttp.http_exceptions import ContentLengthError

from newsletter_mailer.checking.links.answer import Failure, Trouble
from newsletter_mailer.checking.links.guard import UnresolvedError
from newsletter_mailer.checking.links.tls import tls_kind


def is_cut_short(error: aiohttp.ClientPayloadError) -> bool:
    """Whether a body ended before the length that its headers gave."""
    return isinstance(error.__cause__, ContentLengthError)


def failure_of(error: Exception) -> Failure:
    """What kept a request from its answer."""
    match error:
        case UnresolvedError():
            return Failure(Trouble.NAME if error.final else Trouble.NAME_SERVER)
        case aiohttp.ConnectionTimeoutError():
            return Failure(Trouble.CONNECT_TIMEOUT)
        case TimeoutError():
            return Failure(Trouble.TIMEOUT)
        case aiohttp.ClientConnectorCertificateError(certificate_error=ssl.SSLError() as cause):
            return Failure(Trouble.TLS, tls_kind(cause))
        case aiohttp.ClientConnectorSSLError():
            return _tls_failure(error)
        case aiohttp.ClientConnectorError():
            return Failure(_connecting(error.os_error))
        case aiohttp.InvalidURL():
            return Failure(Trouble.GUARD, "is no valid URL")
        case aiohttp.ServerDisconnectedError() | ConnectionError() | aiohttp.ClientOSError():
            return Failure(Trouble.DROPPED)
        case aiohttp.ClientResponseError():
            return Failure(Trouble.MALFORMED, error.message)
        case aiohttp.ClientPayloadError() | ValueError():
            return Failure(Trouble.MALFORMED)
        case _:
            return Failure(Trouble.DROPPED)


def _tls_failure(error: aiohttp.ClientConnectorSSLError) -> Failure:
    cause = error.os_error
    # The other side hung up in the midst of the handshake, as overloaded servers do.
    if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return Failure(Trouble.DROPPED)
    return Failure(Trouble.TLS, tls_kind(cause))


def _connecting(error: OSError) -> Trouble:
    # Python picks the kind by the number; asyncio raises some kinds without one.
    match error:
        case ConnectionRefusedError():
            return Trouble.REFUSED
        case ConnectionError():
            return Trouble.DROPPED
        case TimeoutError():
            return Trouble.CONNECT_TIMEOUT
        case _:
            return Trouble.UNREACHABLE
