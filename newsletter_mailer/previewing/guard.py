"""The preview's door: it opens to this machine's own pages, and to nobody else's.

A page of somebody else's could make the editor's browser ask a server on this machine. Under
a name of its own that leads here (DNS rebinding) it could even read the answer. So the name
that is asked for (`Host`) must be one of ours, and what asks (`Origin`, `Sec-Fetch-Site`) too.
"""

import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from fastapi.datastructures import Headers
from fastapi.responses import PlainTextResponse

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""The Content-Security-Policy of the page: its own script and style, and nothing inline."""

MAIL_POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox allow-same-origin"
)
"""That of the frame in which a mail is shown: no script, nothing from elsewhere."""

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


@dataclass(frozen=True, slots=True)
class Door:
    """What stands before the application. `host` and `port` are those it listens at."""

    app: Application
    host: str
    port: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or say why not (421 for another's name, 403 for another's page)."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            refusal = PlainTextResponse("This preview does not answer to that name.", 421)
            await refusal(scope, receive, send)
        elif not _comes_from(hosts[0], headers):
            refusal = PlainTextResponse("Only the preview's own page may ask for this.", 403)
            await refusal(scope, receive, send)
        else:
            await self.app(scope, receive, _with_headers(send))

    def _is_ours(self, host: str) -> bool:
        name, port = _split(host)
        if port != self.port:
            return False
        if name in _LOCAL or name == self.host.lower():
            return True
        # An address is nobody's name, so it cannot be led astray; it counts where we listen
        # to more than this machine.
        return self.host.lower() not in _LOCAL and _is_address(name)


def _comes_from(host: str, headers: Headers) -> bool:
    origins = headers.getlist("origin")
    if any(origin.lower() != f"http://{host.lower()}" for origin in origins):
        return False
    # A link that somebody follows is no page that reads: it gets the page as if it were typed.
    followed = headers.get("sec-fetch-mode") == "navigate" and not origins
    return headers.get("sec-fetch-site", "none") in {"same-origin", "none"} or followed


def _split(host: str) -> tuple[str, int | None]:
    """A name and a port; the port is None where there is none that could be meant."""
    if host.startswith("["):
        name, _, rest = host[1:].partition("]")
    else:
        name, colon, port = host.partition(":")
        rest = colon + port
    if not rest:
        return name.lower(), 80
    digits = rest.removeprefix(":")
    is_port = rest.startswith(":") and digits.isascii() and digits.isdigit()
    return name.lower(), int(digits) if is_port else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name.lower() for name, _ in message["headers"]}
            more = list(_HEADERS)
            if b"content-security-policy" not in own:
                more.append((b"content-security-policy", PAGE_POLICY.encode("ascii")))
            message = {**message, "headers": [*message["headers"], *more]}
        await send(message)

    return sending
