"""A server that plays the good and the bad servers of the web, each under a host's name.

It speaks HTTP by hand, so that it can also speak it wrongly, runs in a thread of its own,
and counts what it is asked and how much of it at a time.
"""

import asyncio
import contextlib
import datetime as dt
import itertools
import socket
import ssl
import threading
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from newsletter_mailer.checking.links.looking import Conditions
from newsletter_mailer.settings import Settings

NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
PATIENT, IMPATIENT = 30.0, 0.5
"""Seconds for a request: where a server answers, however busy the machine; where none ever does."""


@dataclass(frozen=True)
class Request:
    """One request as it came in."""

    method: str
    host: str
    path: str
    headers: dict[str, str]


_TLS_HELLO = b"\x16"
"""The first byte of a TLS handshake (RFC 8446, 5.1)."""

Play = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]
"""Answers one request in its own way."""


@dataclass
class LinkServer:
    """Plays, by `host/path` or by `host` for all its paths; anything else is a plain 404."""

    plays: dict[str, Play]
    tls: ssl.SSLContext | None = None
    latency: float = 0.0
    crowd: int = 0
    """Nothing is answered until so many requests have waited at once."""
    to_hello: bytes = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
    """What a server without TLS says to those who begin with it."""
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    most_at_once: int = 0
    most_at_once_a_host: int = 0
    port: int = 0
    _now: Counter[str] = field(default_factory=Counter)
    _crowded: asyncio.Event = field(default_factory=asyncio.Event)

    @contextlib.contextmanager
    def running(self) -> Iterator["LinkServer"]:
        """Serve at a free port of 127.0.0.1 until the end of the block."""
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda *_: None)  # clients that hang up are part of the play
        started = threading.Event()
        stop = asyncio.Event()

        async def serve() -> None:
            server = await asyncio.start_server(self._talk, "127.0.0.1", 0, ssl=self.tls)
            self.port = server.sockets[0].getsockname()[1]
            started.set()
            await stop.wait()
            server.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await asyncio.sleep(0.05)

        thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
        thread.start()
        started.wait(60)
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(60)
            loop.close()

    def asked(self, address: str) -> list[str]:
        """The methods by which `host/path` was asked for, in their order."""
        return [one.method for one in self.requests if f"{one.host}{one.path}" == address]

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while request := await _read(reader):
                self.requests.append(request)
                await self._answer(request, writer)
                if writer.is_closing():
                    break
        except ssl.SSLError:
            writer.write(self.to_hello)
        except OSError:
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        self._now[request.host] += 1
        self.most_at_once = max(self.most_at_once, self._now.total())
        self.most_at_once_a_host = max(self.most_at_once_a_host, self._now[request.host])
        if self.most_at_once >= self.crowd:
            self._crowded.set()
        try:
            await self._crowded.wait()
            await asyncio.sleep(self.latency)
        finally:
            # Before the answer leaves, since the client may send the next at once.
            self._now[request.host] -= 1
        path = request.path.partition("?")[0]
        play = self.plays.get(f"{request.host}{path}") or self.plays.get(request.host)
        await (play or reply(404))(request, writer)
        await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    first = await reader.read(1)
    if first == _TLS_HELLO:
        await reader.read(4_096)
        raise ssl.SSLError("TLS at a port for plain HTTP")
    line = (first + await reader.readline()).decode("latin-1").split()
    if not line:
        return None
    headers: dict[str, str] = {}
    while (raw := (await reader.readline()).decode("latin-1").strip()) != "":
        name, _, value = raw.partition(":")
        headers[name.lower()] = value.strip()
    host = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
    return Request(line[0], host, line[1], headers)


def reply(
    status: int = 200, body: str | bytes = b"", media_type: str = "text/html", **headers: str
) -> Play:
    """Answer properly; underscores in a header's name stand for hyphens."""
    data = body if isinstance(body, bytes) else body.encode()
    lines = {"Content-Type": media_type, "Content-Length": str(len(data))}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = f"HTTP/1.1 {status} Said\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)

    async def play(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(head.encode() + b"\r\n" + (b"" if request.method == "HEAD" else data))

    return play


def page(title: str = "News", body: str = "<h1>News</h1><p>All is well.</p>") -> str:
    """A page of HTML."""
    return f"<!doctype html><html><head><title>{title}</title></head><body>{body}</body></html>"


def send_to(location: str, status: int = 301, **headers: str) -> Play:
    """Redirect."""
    return reply(status, "", Location=location, **headers)


def raw(data: bytes, *, hold: float = 0.0) -> Play:
    """Write bytes that need not be HTTP, perhaps wait, and hang up."""

    async def play(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(hold)
        writer.close()

    return play


def again_and_again(start: bytes, chunk: bytes, every: float) -> Play:
    """Write for ever."""

    async def play(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while not writer.is_closing():
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(every)

    return play


def in_turn(*plays: Play) -> Play:
    """The first time the first play, then the next; the last stays."""
    left = list(plays)

    async def play(request: Request, writer: asyncio.StreamWriter) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(request, writer)

    return play


def by_method(**plays: Play) -> Play:
    """One play for HEAD, another for GET."""

    async def play(request: Request, writer: asyncio.StreamWriter) -> None:
        await plays[request.method](request, writer)

    return play


@contextlib.contextmanager
def tripwire() -> Iterator[tuple[int, list[int]]]:
    """A port of 127.0.0.1 where nobody may knock: the port, and a list of who did."""
    knocks: list[int] = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        yield listener.getsockname()[1], knocks
        while True:
            try:
                connection, address = listener.accept()
            except BlockingIOError:
                break
            connection.close()
            knocks.append(address[1])


class Names:
    """A resolver: what each name leads to, in turn, and how often it was asked for."""

    def __init__(self, **known: str) -> None:
        self.known = {name.replace("_", "."): found.split() for name, found in known.items()}
        self.asked: defaultdict[str, int] = defaultdict(int)

    def __call__(self, name: str) -> list[str]:
        """The addresses of a name.

        Raises:
            OSError: there is no such name.
        """
        self.asked[name] += 1
        if name.endswith(".nowhere.example"):
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return self.known.get(name, ["127.0.0.1"])


def settings_for(settings: Settings, *allowed: str, **links: object) -> Settings:
    """The office's settings, with patience and with these hosts let through."""
    own = settings.links.model_copy(update={"timeout": PATIENT, **links})
    return settings.model_copy(update={"links": own, "links_allow": allowed})


def conditions(port: int, secure: int = 0, **more: object) -> Conditions:
    """Ports 80 and 443 lead to local ones; pauses are short."""
    made_up = itertools.count()
    return Conditions(
        pauses=(0.01, 0.02),
        longest_wait=0.5,
        doors={80: port, 443: secure or port},
        made_up=lambda: f"made-up-{next(made_up)}",
        **more,  # type: ignore[arg-type]
    )
