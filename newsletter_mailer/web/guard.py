"""What stands around every request: its size, where it comes from, and headers of the answer.

Plain ASGI, so that it costs little and sees every answer.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGEST_BODY = 64 * 1024
"""Bytes of a form, several times what its fields may hold."""

ASKED_FOR_HEAD = "newsletter.head"
"""Set in the scope of a request that was a HEAD, which is answered as a GET."""

_CONTENT = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

# `same-origin`: with `no-referrer`, browsers would send a form's Origin as `null`.
_HEADERS = {
    "content-security-policy": _CONTENT,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), browsing-topics=()",
    "cache-control": "no-store",
}


def security_headers(base_url: str) -> Mapping[str, str]:
    """The headers of every answer that does not set its own."""
    headers = dict(_HEADERS)
    if base_url.startswith("https://"):
        headers["strict-transport-security"] = "max-age=31536000"
    return headers


class Guard:
    """Refuses bodies that are too large and forms from elsewhere; answers HEAD as GET.

    A form is from elsewhere if the browser says so in `Sec-Fetch-Site` or `Origin`
    (W3C Fetch Metadata; WHATWG Fetch, 3.2). What carries neither did not come from a form
    in a browser of the last years, and passes: pages that need more ask for a signed field.
    Paths that begin with one of `open_to_all` take posts from anywhere. `larger` names
    the bytes for paths, by how they begin, that take larger bodies.
    """

    def __init__(
        self,
        inner: Application,
        *,
        base_url: str,
        refuse: Callable[[int], Application],
        open_to_all: tuple[str, ...] = (),
        larger: Mapping[str, int] | None = None,
    ) -> None:
        """`refuse` gives the page for a status."""
        self._inner = inner
        self._refuse = refuse
        self._open_to_all = open_to_all
        self._larger = dict(larger or {})
        parts = urlsplit(base_url)
        self._origin = f"{parts.scheme}://{parts.netloc}".lower()
        self._headers = [
            (name.encode(), value.encode()) for name, value in security_headers(base_url).items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        asked_for_head = scope["method"] == "HEAD"
        if asked_for_head:
            scope = {**scope, "method": "GET", ASKED_FOR_HEAD: True}

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                given = {name.lower() for name, _ in headers}
                headers += [pair for pair in self._headers if pair[0] not in given]
                message = {**message, "headers": headers}
            elif asked_for_head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        headers = {name.lower(): value for name, value in scope["headers"]}
        if scope["method"] == "POST" and self._from_elsewhere(scope["path"], headers):
            await self._refuse(403)(scope, receive, answer)
            return
        if b"content-length" in headers or b"transfer-encoding" in headers:
            body = await self._body(scope["path"], headers, receive)
            if body is None:
                await self._refuse(413)(scope, receive, answer)
                return
            receive = _again(body, receive)
        await self._inner(scope, receive, answer)

    def _from_elsewhere(self, path: str, headers: Mapping[bytes, bytes]) -> bool:
        if path.startswith(self._open_to_all):
            return False
        site = headers.get(b"sec-fetch-site")
        if site is not None:
            return site not in {b"same-origin", b"none"}
        origin = headers.get(b"origin")
        if origin is None:
            return False
        found = origin.decode("latin-1").lower()
        host = headers.get(b"host", b"").decode("latin-1").lower()
        return found != self._origin and found.partition("://")[2] != host

    async def _body(
        self, path: str, headers: Mapping[bytes, bytes], receive: Receive
    ) -> bytes | None:
        """The body; None where it is too large, or the browser has gone."""
        largest = next(
            (size for start, size in self._larger.items() if path.startswith(start)), LARGEST_BODY
        )
        said = headers.get(b"content-length", b"0")
        if not said.isdigit() or int(said) > largest:
            return None
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None
            part = message.get("body", b"")
            size += len(part)
            if size > largest:
                return None
            parts.append(part)
            if not message.get("more_body"):
                return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """A channel that gives a body that was read already, and then what comes after it."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
