"""The address guard: no request leaves for where a link must not lead.

A link, or a redirect of somebody else's server, could make this program knock at machines
inside the office. So only http and https, only the usual ports, and only public addresses
are let through. A name is resolved once, and connections go to the addresses that were
checked: a name that answers otherwise the second time gains nothing.
"""

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import quote

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from newsletter_mailer.checking.links.address import Address, is_public, literal

Lookup = Callable[[str], Iterable[str]]
"""From a host's name to its addresses. Raises OSError (`socket.gaierror`) where it fails."""

_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?\Z")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_LONGEST_NAME = 253
_SCHEMES = {"http": 80, "https": 443}


class Ground(StrEnum):
    """Why a URL is refused."""

    MALFORMED = "malformed"
    SCHEME = "scheme"
    CREDENTIALS = "credentials"
    PORT = "port"
    PRIVATE = "private"


class RefusedError(Exception):
    """The guard lets no request go to a URL. It never leaves the checking of links."""

    def __init__(self, ground: Ground, words: str) -> None:
        self.ground = ground
        self.words = words
        super().__init__(words)


class UnresolvedError(Exception):
    """A name has no addresses. `final` is False where the name servers did not answer."""

    def __init__(self, host: str, *, final: bool) -> None:
        self.final = final
        super().__init__(host)


def system_lookup(host: str) -> list[str]:
    """The addresses that this machine's resolver gives for a name.

    Raises:
        OSError: there are none, or nobody answered.
    """
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


@dataclass(slots=True)
class Guard(AbstractResolver):
    """Checks URLs, and resolves names for aiohttp's connector into addresses that passed.

    `allowed` hosts may have any port and any address. `patience` is the seconds to wait
    for a name's addresses. `heard` is told of each lookup: whether it succeeded. `doors`
    names ports that lead to others, for tests whose servers cannot listen at 80 and 443.
    """

    ports: Collection[int]
    allowed: Collection[str]
    lookup: Lookup = system_lookup
    patience: float = 10.0
    heard: Callable[[bool], None] = lambda _: None
    doors: Mapping[int, int] = field(default_factory=dict)
    _friends: frozenset[str] = frozenset()
    _known: dict[str, "asyncio.Task[tuple[Address, ...]]"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._friends = frozenset(
            host.lower().strip("[]").removesuffix(".") for host in self.allowed
        )

    def check(self, text: str) -> URL:
        """The URL, ready to be asked for, with its path and query as they are written.

        Raises:
            RefusedError: it must not be asked for.
        """
        url, host = _read(text)
        port = url.port or _SCHEMES[url.scheme]
        if self._is_allowed(host):
            return url
        if port not in self.ports:
            raise RefusedError(Ground.PORT, f"names port {port}, which is not looked at")
        try:
            address = literal(host)
        except ValueError as error:
            raise RefusedError(Ground.MALFORMED, f"names no valid host: {host}") from error
        if address is None:
            return url
        if not is_public(address):
            raise _private(host, [address])
        # aiohttp takes IPv4 addresses in their usual form only.
        return url.with_host(str(address))

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - aiohttp's signature
    ) -> list[ResolveResult]:
        """The addresses to connect to: public ones only, unless the host is allowed.

        Raises:
            RefusedError: there are addresses, but none is public.
            UnresolvedError: there are none.
        """
        addresses = await self.addresses(host)
        if not self._is_allowed(host):
            public = [address for address in addresses if is_public(address)]
            if not public:
                raise _private(host, addresses)
            addresses = tuple(public)
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=self.doors.get(port, port),
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,  # noqa: PLR2004 - IP's versions
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Forget lookups that nobody waits for any more."""
        for task in self._known.values():
            task.cancel()
        await asyncio.gather(*self._known.values(), return_exceptions=True)

    def awaited(self) -> int:
        """How many lookups have not ended."""
        return sum(not task.done() for task in self._known.values())

    async def addresses(self, host: str) -> tuple[Address, ...]:
        """Every address of a host, looked up once, whoever asks and how often.

        Raises:
            UnresolvedError: it has none.
        """
        name = host.lower().removesuffix(".")
        if name not in self._known:
            self._known[name] = asyncio.create_task(self._look_up(name))
        # Whoever stops waiting does not end the lookup for the others.
        return await asyncio.shield(self._known[name])

    async def _look_up(self, name: str) -> tuple[Address, ...]:
        try:
            found = await asyncio.wait_for(_in_a_thread(self.lookup, name), self.patience)
            addresses = tuple(ip_address(address.partition("%")[0]) for address in found)
        except (OSError, TimeoutError, UnicodeError) as error:
            self.heard(False)
            temporary = isinstance(error, TimeoutError) or (
                isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
            )
            raise UnresolvedError(name, final=not temporary) from error
        self.heard(True)
        if not addresses:
            raise UnresolvedError(name, final=True)
        return addresses

    def _is_allowed(self, host: str) -> bool:
        return host.lower().removesuffix(".") in self._friends


def _read(text: str) -> tuple[URL, str]:
    """A URL and its host in ASCII; what a browser would escape in path and query is escaped."""
    text = text.strip()
    scheme, colon, _ = text.partition(":")
    if colon and _SCHEME.fullmatch(scheme) and scheme.lower() not in _SCHEMES:
        raise RefusedError(Ground.SCHEME, f"leads to a {scheme.lower()}: address")
    try:
        # What is escaped already stays as it is: servers may tell %2F from / and %20 from +.
        head, slashes, rest = text.partition("://")
        authority, path = _cut(rest)
        escaped = re.sub(r'[^\x21-\x7e]|["<>]', lambda m: quote(m[0]), path.replace("\\", "/"))
        url = URL(f"{head.lower()}{slashes}{authority}{escaped}", encoded=True)
        if "@" in authority:
            raise RefusedError(Ground.CREDENTIALS, "carries a user name or password")
        raw = url.raw_host or ""
        host = raw if _HOST.match(raw) else URL.build(scheme="http", host=raw).raw_host or ""
        port = url.port
    except (ValueError, UnicodeError) as error:
        raise RefusedError(Ground.MALFORMED, "is no valid URL") from error
    is_name = _HOST.match(host) and len(host) <= _LONGEST_NAME
    if not (is_name or ":" in host) or port is None:
        raise RefusedError(Ground.MALFORMED, "names no valid host")
    return (url if host == raw else url.with_host(host)), host


def _cut(rest: str) -> tuple[str, str]:
    """The authority of a URL, and all that follows; a backslash is a slash, as to browsers."""
    end = re.search(r"[/\\?#]|\Z", rest)
    at = end.start() if end else len(rest)
    path = rest[at:]
    return rest[:at], path if path.startswith(("/", "\\")) else f"/{path}"


def _private(host: str, addresses: Iterable[Address]) -> RefusedError:
    listed = ", ".join(str(address) for address in addresses)
    which = "" if listed == host else f" ({host} is {listed})"
    return RefusedError(Ground.PRIVATE, f"leads to a private address{which}")


async def _in_a_thread(lookup: Lookup, name: str) -> list[str]:
    """Look a name up without holding the loop.

    A thread that nobody joins: the system's resolver cannot be interrupted, and a pool
    would keep the whole program waiting for it at the end.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[list[str]] = loop.create_future()

    def settle(found: list[str] | None, error: Exception | None) -> None:
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(found or [])

    def run() -> None:
        found: list[str] | None = None
        failed: Exception | None = None
        try:
            found = list(lookup(name))
        except (OSError, UnicodeError) as error:
            failed = error
        # The run may have ended meanwhile, and closed its loop.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, found, failed)

    threading.Thread(target=run, daemon=True, name=f"lookup of {name}").start()
    return await future
