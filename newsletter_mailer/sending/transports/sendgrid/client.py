"""The provider's API, through its own package: one call, one answer, and no secret told.

What the package does not do, or does badly, is seen to here: it has no time-out unless told,
writes its headers with the key into the debug log, and raises a class of its own for each
status.
"""

import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.error import URLError

from newsletter_mailer.errors import SettingsError
from newsletter_mailer.settings import Settings

_JSON = "application/json; charset=utf-8"
"""With its charset: only so does the package leave a body alone that is JSON already."""

_LONGEST_WORDS = 300


@dataclass(frozen=True, slots=True)
class Account:
    """Where the provider is, and the key that lets us in."""

    host: str
    key: str = field(repr=False)
    timeout: float = 120.0

    def __str__(self) -> str:
        return self.host.partition("://")[2]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call. `status` is 0 where no answer came, and `why` says so in words.

    `left` is False where the request surely did not leave whole, so that nobody has it.
    `lasting` says that trying again would not help.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    why: str = ""
    left: bool = True
    lasting: bool = False


def account_of(settings: Settings) -> Account:
    """The account that the settings name.

    Raises:
        SettingsError: there is no key.
    """
    key = settings.sendgrid_api_key.get_secret_value().strip() if settings.sendgrid_api_key else ""
    if not key or not key.isascii() or not key.isprintable():
        raise SettingsError(
            "The transport is sendgrid, but NEWSLETTER_SENDGRID_API_KEY "
            + ("is not a key" if key else "is not set")
            + ". Make one with the permissions Mail Send and Scheduled Sends in the provider's "
            "settings, and put it into the environment."
        )
    return Account(settings.sendgrid_host, key, settings.sendgrid.timeout)


class Client:
    """Calls to the provider, one at a time: each thread has its own client."""

    def __init__(self, account: Account) -> None:
        from sendgrid import SendGridAPIClient  # noqa: PLC0415 - slow to import, seldom used

        # It would write the key and all addresses into the log of whoever looks for mistakes.
        logging.getLogger("python_http_client.client").disabled = True
        self._account = account
        self._api: Any = SendGridAPIClient(account.key, host=account.host).client
        self._api.timeout = account.timeout

    def call(self, method: str, path: str, body: object = None) -> Answer:
        """Call one method of the API, such as `post` of `mail/send`, and return its answer.

        `body` is a dict, or a `Body`. Never raises for what the provider or the network do.
        """
        encoded = hasattr(body, "encode")
        self._api.request_headers["Content-Type"] = _JSON if encoded else "application/json"
        if encoded:
            self._api.request_headers["Content-Length"] = str(getattr(body, "size", 0))
        else:
            self._api.request_headers.pop("Content-Length", None)
        call = getattr(self._api._(path), method)
        answer: Any
        try:
            answer = call(request_body=body)
        except URLError as error:
            # Only what goes wrong while connecting or sending is wrapped so.
            return self._unsent(error.reason)
        except Exception as error:  # of http.client, or of the package, which raises answers
            if not hasattr(error, "status_code"):
                return Answer(0, why=self._words(error))
            answer = error
        return Answer(answer.status_code, dict(answer.headers or {}), answer.body or b"")

    def _unsent(self, reason: object) -> Answer:
        refused = isinstance(reason, ssl.SSLCertVerificationError)
        return Answer(0, why=self._words(reason), left=False, lasting=refused)

    def _words(self, reason: object) -> str:
        if isinstance(reason, TimeoutError):
            return f"no answer within {self._account.timeout:g} seconds"
        words = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        return words.replace(self._account.key, "[the key]")[:_LONGEST_WORDS]
