"""Tracking: pixels with and without recording, memory over many hits, and events.

Sizes can be set: TRACKING_HITS (hits for the memory), TRACKING_EVENTS (events of the long run).
"""

import asyncio
import json
import os
import random
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from subprocess import Popen
from sys import executable

from benchmarks.counted import KEY, NOW, Site, make_sent
from benchmarks.report import ROOT, table
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.store.engine import writing
from newsletter_mailer.tracking.agents import known_agents
from newsletter_mailer.tracking.ingesting import ingest
from newsletter_mailer.tracking.opens import record
from newsletter_mailer.tracking.providers.sendgrid import read_events
from newsletter_mailer.tracking.suppressing import SoftLimit

ROUNDS = 5
PEOPLE = 20_000
HITS = 10_000
"""A round."""

MANY_HITS = int(os.environ.get("TRACKING_HITS", "1000000"))
CONNECTIONS = 32

FEW_EVENTS = 10_000
MANY_EVENTS = int(os.environ.get("TRACKING_EVENTS", "1000000"))
IN_A_REQUEST = 500
FEW_BEFORE_AND_AFTER = 3

_AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:122.0) Gecko/20100101 Firefox/122.0"


def measure() -> None:
    """Measure both, and print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        _pixels(Path(folder))
    _events()


class _Visitor(asyncio.Protocol):
    """One connection that asks again as soon as it is answered."""

    def __init__(self, requests: Iterator[bytes], done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._done = done
        self._open = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        """See that a whole answer came, and ask again."""
        self._open += data
        head, found, body = self._open.partition(b"\r\n\r\n")
        if found and len(body) == 43:  # noqa: PLR2004 - the bytes of the pixel
            if not head.startswith(b"HTTP/1.1 200"):
                self._done.set_exception(RuntimeError(head.decode("latin-1")))
            self._open = b""
            self._ask()

    def _ask(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            if not self._done.done():
                self._done.set_result(None)
            return
        self._transport.write(request)  # type: ignore[attr-defined]


async def _load(port: int, requests: Iterator[bytes]) -> None:
    loop = asyncio.get_running_loop()
    done = [loop.create_future() for _ in range(CONNECTIONS)]
    for each in done:
        await loop.create_connection(partial(_Visitor, requests, each), "127.0.0.1", port)
    await asyncio.gather(*done)


def _rate(port: int, paths: Iterator[str], hits: int) -> float:
    """Hits a second."""
    requests = (
        f"GET {path} HTTP/1.1\r\nHost: n.example.org\r\nUser-Agent: {_AGENT}\r\n\r\n".encode()
        for path in islice(paths, hits)
    )
    began = time.perf_counter()
    asyncio.run(_load(port, requests))
    return hits / (time.perf_counter() - began)


@contextmanager
def _serving(folder: Path) -> Iterator[int]:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    words = [executable, "-m", "benchmarks.pixel_server", str(folder), str(port)]
    process = Popen(words, cwd=ROOT)
    try:
        while process.poll() is None:
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port
    finally:
        process.kill()
        process.wait()


def _memory(port: int) -> float:
    with closing(socket.create_connection(("127.0.0.1", port))) as asked:
        asked.sendall(b"GET /memory HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(partial(asked.recv, 4096), b""))
    return float(answer.rpartition(b"\r\n\r\n")[2])


def _pixels(folder: Path) -> None:
    site = make_sent(folder, PEOPLE)
    site.engine.dispose()
    links = PersonalLinks("", KEY)
    chance = random.Random(1)  # noqa: S311 - who comes when
    opens = [links.open(1, number) for number in range(1, PEOPLE + 1)]
    chance.shuffle(opens)
    counted, plain = cycle(opens), cycle(path.replace("/open/", "/plain/") for path in opens)
    with _serving(folder) as port:
        _rate(port, counted, 1_000), _rate(port, plain, 1_000)
        recorded, unrecorded = [], []
        for _ in range(ROUNDS):
            unrecorded.append(_rate(port, plain, HITS))
            recorded.append(_rate(port, counted, HITS))
        before = _memory(port)
        began = time.perf_counter()
        _rate(port, counted, MANY_HITS)
        took, after = time.perf_counter() - began, _memory(port)
    rounds = [one / other for one, other in zip(recorded, unrecorded, strict=True)]
    table(
        f"Pixels: {HITS:,} hits a round, {CONNECTIONS} connections, {PEOPLE:,} people",
        ("", "median", "lowest", "highest"),
        [
            ("unrecorded, hits a second", *_spread(unrecorded, ",.0f")),
            ("recorded, hits a second", *_spread(recorded, ",.0f")),
            ("recorded : unrecorded (target 0.5)", *_spread(rounds, ".2f")),
        ],
    )
    table(
        f"Memory over {MANY_HITS:,} recorded hits ({took:,.0f} s)",
        ("", "MB"),
        [("at most before", f"{before:.1f}"), ("at most after", f"{after:.1f}")],
    )


def _spread(values: list[float], form: str) -> tuple[str, str, str]:
    return (
        format(statistics.median(values), form),
        format(min(values), form),
        format(max(values), form),
    )


def _events() -> None:
    few = [_ingested(FEW_EVENTS) for _ in range(FEW_BEFORE_AND_AFTER)]
    many = _ingested(MANY_EVENTS)
    few += [_ingested(FEW_EVENTS) for _ in range(FEW_BEFORE_AND_AFTER)]
    usual = statistics.median(few)
    table(
        f"Events: {IN_A_REQUEST} a request, a fifth of them twice, each request a transaction",
        ("", "µs an event"),
        [
            (f"{FEW_EVENTS:,} events, lowest", f"{min(few) * 1e6:.1f}"),
            (f"{FEW_EVENTS:,} events, median", f"{usual * 1e6:.1f}"),
            (f"{FEW_EVENTS:,} events, highest", f"{max(few) * 1e6:.1f}"),
            (f"{MANY_EVENTS:,} events", f"{many * 1e6:.1f}"),
            ("many : few (target 1.15)", f"{many / usual:.2f}"),
        ],
    )


def _ingested(number: int) -> float:
    """Seconds an event, read and taken in; making up the requests is not counted."""
    with tempfile.TemporaryDirectory() as folder:
        people = number // 2
        site = make_sent(Path(folder), people)
        try:
            return _take_in(site, number, people)
        finally:
            site.engine.dispose()


def _take_in(site: Site, number: int, people: int) -> float:
    recording = partial(record, agents=known_agents(), zone=site.settings.office.zone)
    limit = SoftLimit(3, NOW - NOW.replace(year=2025))
    seconds = 0.0
    for body in _bodies(number, people):
        began = time.perf_counter()
        events = read_events(body)
        with writing(site.engine) as connection:
            ingest(connection, events, site.clock(), limit, recording)
        seconds += time.perf_counter() - began
    return seconds / (number * 1.2)


def _bodies(number: int, people: int) -> Iterator[bytes]:
    """Requests in the order in which a provider works through a list, and not quite in it."""
    chance = random.Random(2)  # noqa: S311 - test data
    window: list[dict[str, object]] = []
    request: list[dict[str, object]] = []
    words = ("delivered",) * 17 + ("deferred", "bounce", "open")
    for at in range(number):
        person = 1 + at // 2 % people
        event: dict[str, object] = {
            "email": f"reader{person}@example.org",
            "timestamp": int(NOW.timestamp()) + at // 100,
            "event": chance.choice(words) if at % 2 else "processed",
            "sg_event_id": f"{chance.getrandbits(128):032x}",
            "sg_message_id": f"{person}.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",
            "smtp-id": f"<{person}@example.org>",
            "response": "250 2.0.0 OK",
            "campaign": "token1",
            "delivery": str(person),
        }
        window.append(event)
        if at % 5 == 0:
            window.append(event)
        if len(window) >= 4 * IN_A_REQUEST:
            chance.shuffle(window)
            request += window[: 3 * IN_A_REQUEST]
            del window[: 3 * IN_A_REQUEST]
        while len(request) >= IN_A_REQUEST:
            yield json.dumps(request[:IN_A_REQUEST]).encode()
            del request[:IN_A_REQUEST]
    rest = request + window
    for begin in range(0, len(rest), IN_A_REQUEST):
        yield json.dumps(rest[begin : begin + IN_A_REQUEST]).encode()
