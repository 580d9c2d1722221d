"""Workers on PostgreSQL: how much two do more than one, the rate of six, the memory of one.

PostgreSQL runs on the same machine, with nothing spared that keeps its data safe. So does the
sink. Each campaign is handed over to workers that are there already, and its time is that of
its own ledger: from the first letter's answer to the last one's.

`BENCH_PEOPLE` is how many the large campaign is for.
"""

import os
import shutil
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, Popen
from sys import executable

from sqlalchemy import Engine, func, select, text

from benchmarks.mailing import add_people, environment, freeze_issue, in_child, make_project, sink
from benchmarks.report import ROOT, table
from newsletter_mailer.sending.control import state_of
from newsletter_mailer.sending.distributed.handing_over import hand_over
from newsletter_mailer.settings import Settings, load_settings
from newsletter_mailer.store.engine import open_store, reading, writing
from newsletter_mailer.store.tables import delivery
from tests.databases import Server, server

PEOPLE = 4_000
ROUNDS = 3
DELAY = 0.05
"""Seconds until the relay answers: so slow that neither it nor this machine is the limit."""

CONNECTIONS = 5
TARGET_TWO = 1.5

LIMIT = 2_000
SIX = 6
LIMITED_PEOPLE = 24_000
SETTLING = 2.0
"""Seconds at both ends of a campaign that do not count for its rate."""

FEW = 10_000
MANY = int(os.environ.get("BENCH_PEOPLE", "1000000"))
TARGET_MEMORY = 1.3

_HOUR = 3_600.0


@dataclass(frozen=True, slots=True)
class Sent:
    """One campaign: letters a second between its ends, and each worker's peak of memory."""

    people: int
    rate: float
    megabytes: tuple[float, ...]


def measure() -> None:
    """Measure, and print the tables."""
    with server(durable=True) as running:
        pairs = [
            (_send(running, PEOPLE, 1, delay=DELAY), _send(running, PEOPLE, 2, delay=DELAY))
            for _ in range(ROUNDS)
        ]
        limited = _send(running, LIMITED_PEOPLE, SIX, limit=LIMIT)
        few = _send(running, FEW, 1)
        many = _send(running, MANY, 1)
        plan = _plan(running, MANY)
    _print(pairs, limited, few, many, plan)


def _send(
    running: Server, people: int, workers: int, *, delay: float = 0.0, limit: int | None = None
) -> Sent:
    """Send one campaign with so many workers, in a project and a database of its own."""
    with _project(running, people) as (folder, extra):
        counted: dict[str, int] = {}
        with sink(counted, delay) as port:
            connections = CONNECTIONS if delay else 10
            values = {**extra, **environment(port, connections)}
            if limit:
                values["NEWSLETTER_SEND__PER_SECOND"] = str(limit)
            with _environment(values):
                settings = load_settings(folder)
                engine = open_store(settings)
                try:
                    sent = _run(engine, settings, folder, people, workers)
                finally:
                    engine.dispose()
        if counted["messages"] != people:
            raise RuntimeError(f"{counted['messages']:,} of {people:,} messages came")
    return sent


def _run(engine: Engine, settings: Settings, folder: Path, people: int, workers: int) -> Sent:
    words = [executable, "-m", "newsletter_mailer", "--project", str(folder), "worker"]
    crew = [Popen(words, stdout=DEVNULL) for _ in range(workers)]
    try:
        _wait(engine, "SELECT count(*) FROM procrastinate.procrastinate_workers", workers)
        campaign = freeze_issue(engine, settings)
        with writing(engine) as connection:
            hand_over(connection, campaign)
        until = time.monotonic() + _HOUR
        while time.monotonic() < until:
            with reading(engine) as connection:
                if state_of(connection, campaign.id) == "done":
                    break
            time.sleep(0.5)
        megabytes = tuple(_peak(each.pid) for each in crew)
    finally:
        for each in crew:
            each.send_signal(signal.SIGTERM)
        for each in crew:
            each.wait(60)
    return Sent(people, _rate(engine), megabytes)


def _rate(engine: Engine) -> float:
    """Letters a second, without the first and the last moments where there is enough between."""
    with reading(engine) as connection:
        first, last = connection.execute(
            select(func.min(delivery.c.settled_at), func.max(delivery.c.settled_at))
        ).one()
        seconds: float = (last - first).total_seconds()
        edge = SETTLING if seconds > 4 * SETTLING else 0.0
        at = func.extract("epoch", delivery.c.settled_at - first)
        number = connection.scalar(
            select(func.count()).select_from(delivery).where(at.between(edge, seconds - edge))
        )
    return float(number or 0) / (seconds - 2 * edge)


def _plan(running: Server, people: int) -> tuple[float, float]:
    """What `send --dry-run` takes for so many: seconds and megabytes."""
    with _project(running, people) as (folder, extra):
        begin = time.perf_counter()
        words = ("--project", str(folder), "send", "6", "--dry-run", "--json")
        done = in_child("command_once", *words, extra={**extra, **environment(9)})
        return time.perf_counter() - begin, done["megabytes"]


@contextmanager
def _project(running: Server, people: int) -> Iterator[tuple[Path, dict[str, str]]]:
    url = running.fresh()
    state = ROOT / "var"
    state.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-workers-", dir=state))
    extra = {"NEWSLETTER_DATABASE_URL": url}
    try:
        make_project(folder)
        with _environment({**extra, **environment(9)}):
            settings = load_settings(folder)
            engine = open_store(settings)
            add_people(engine, settings, people)
            engine.dispose()
        yield folder, extra
    finally:
        shutil.rmtree(folder)
        running.drop(url)


def _wait(engine: Engine, query: str, wanted: int) -> None:
    until = time.monotonic() + 60
    while True:
        with reading(engine) as connection:
            if connection.scalar(text(query)) == wanted:
                return
        if time.monotonic() > until:
            raise RuntimeError("the workers did not start")
        time.sleep(0.1)


def _peak(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024 / 1e6


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _print(
    pairs: list[tuple[Sent, Sent]],
    limited: Sent,
    few: Sent,
    many: Sent,
    plan: tuple[float, float],
) -> None:
    gains = [two.rate / one.rate for one, two in pairs]
    gain = statistics.median(gains)
    table(
        f"Workers on PostgreSQL, a relay that answers after {DELAY * 1000:.0f} ms on "
        f"{CONNECTIONS} connections a worker, {PEOPLE:,} people, {ROUNDS} rounds",
        ("letters a second", "median", "lowest", "highest"),
        [
            ("one worker", *_three([one.rate for one, _ in pairs])),
            ("two workers", *_three([two.rate for _, two in pairs])),
            ("two : one", f"{gain:.2f} x", f"{min(gains):.2f} x", f"{max(gains):.2f} x"),
        ],
    )
    bigger = max(many.megabytes) / max(few.megabytes)
    table(
        "A limit, and the memory of a worker",
        ("", "figure"),
        [
            (f"{LIMIT:,} a second asked of {SIX} workers", f"{limited.rate:,.0f} a second"),
            (f"one worker, {many.people:,} people", f"{many.rate:,.0f} a second"),
            (f"its peak with {few.people:,} people", f"{max(few.megabytes):.0f} MB"),
            (f"its peak with {many.people:,} people", f"{max(many.megabytes):.0f} MB"),
            ("ratio", f"{bigger:.2f} x"),
            (f"the plan of {many.people:,}, on paper", f"{plan[0]:.1f} s, {plan[1]:.0f} MB"),
        ],
    )
    for target, kept in (
        (f"two workers at least {TARGET_TWO:g} times one", gain >= TARGET_TWO),
        (f"{LIMIT:,} a second, within a twentieth", abs(limited.rate / LIMIT - 1) <= 1 / 20),
        (f"at most {TARGET_MEMORY:g} times the memory", bigger <= TARGET_MEMORY),
    ):
        print(f"  Target of {target}: {'kept' if kept else 'NOT kept'}.")


def _three(rates: list[float]) -> tuple[str, str, str]:
    return f"{statistics.median(rates):,.0f}", f"{min(rates):,.0f}", f"{max(rates):,.0f}"
