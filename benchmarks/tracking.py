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
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from subprocess import Popen
from sys import executable

from benchmarks.counted import KEY, NOW, Sent, make_sent
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
CONNECTIONS = 100

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


def _used(port: int) -> tuple[float, float]:
    """The most megabytes that the server has held, and its seconds of a processor."""
    with closing(socket.create_connection(("127.0.0.1", port))) as asked:
        asked.sendall(b"GET /used HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(partial(asked.recv, 4096), b""))
    megabytes, seconds = answer.rpartition(b"\r\n\r\n")[2].split()
    return float(megabytes), float(seconds)


@dataclass
class _Rounds:
    """One route's rounds: hits a second, and seconds of a processor for each hit."""

    rates: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def run(self, port: int, paths: Iterator[str]) -> None:
        """Run one more."""
        _, before = _used(port)
        self.rates.append(_rate(port, paths, HITS))
        self.seconds.append((_used(port)[1] - before) / HITS)


def _pixels(folder: Path) -> None:
    site = make_sent(folder, PEOPLE)
    site.engine.dispose()
    links = PersonalLinks("", KEY)
    chance = random.Random(1)  # noqa: S311 - who comes when
    opens = [links.open(1, number) for number in range(1, PEOPLE + 1)]
    chance.shuffle(opens)
    counted, plain = cycle(opens), cycle(path.replace("/open/", "/plain/") for path in opens)
    recorded, unrecorded = _Rounds(), _Rounds()
    with _serving(folder) as port:
        _rate(port, counted, 1_000)
        _rate(port, plain, 1_000)
        for _ in range(ROUNDS):
            unrecorded.run(port, plain)
            recorded.run(port, counted)
        before, _ = _used(port)
        began = time.perf_counter()
        _rate(port, counted, MANY_HITS)
        took, (after, _) = time.perf_counter() - began, _used(port)
    rates = [a / b for a, b in zip(recorded.rates, unrecorded.rates, strict=True)]
    seconds = [b / a for a, b in zip(recorded.seconds, unrecorded.seconds, strict=True)]
    table(
        f"Pixels: {HITS:,} hits a round, {CONNECTIONS} connections, {PEOPLE:,} people",
        ("", "median", "lowest", "highest"),
        [
            ("unrecorded, hits a second", *_spread(unrecorded.rates, ",.0f")),
            ("recorded, hits a second", *_spread(recorded.rates, ",.0f")),
            ("recorded : unrecorded (target 0.5)", *_spread(rates, ".2f")),
            ("the same by the server's processor time", *_spread(seconds, ".2f")),
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
    rows = []
    for at, word in enumerate(("by the clock", "by processor time")):
        times = [each[at] for each in few]
        usual = statistics.median(times)
        rows.append(
            (
                word,
                *(f"{each * 1e6:.1f}" for each in (min(times), usual, max(times), many[at])),
                f"{many[at] / usual:.2f}",
            )
        )
    table(
        f"Events: µs each, {IN_A_REQUEST} a request, a fifth of them twice (target 1.15)",
        ("", f"{FEW_EVENTS:,}: lowest", "median", "highest", f"{MANY_EVENTS:,}", "ratio"),
        rows,
    )


def _ingested(number: int) -> tuple[float, float]:
    """Seconds an event, read and taken in: by the clock, and of a processor.

    Making up the requests is not counted.
    """
    with tempfile.TemporaryDirectory() as folder:
        people = number // 2
        site = make_sent(Path(folder), people)
        try:
            return _take_in(site, number, people)
        finally:
            site.engine.dispose()


def _take_in(site: Sent, number: int, people: int) -> tuple[float, float]:
    recording = partial(record, agents=known_agents(), zone=site.settings.office.zone)
    limit = SoftLimit(3, NOW - NOW.replace(year=2025))
    seconds = processor = 0.0
    for body in _bodies(number, people):
        began, used = time.perf_counter(), time.process_time()
        events = read_events(body)
        with writing(site.engine) as connection:
            ingest(connection, events, site.clock(), limit, recording)
        seconds += time.perf_counter() - began
        processor += time.process_time() - used
    reported = number * 1.2
    return seconds / reported, processor / reported


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
