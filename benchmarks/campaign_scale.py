"""A campaign to a million people beside one to ten thousand: `newsletter send`, each in a process.

The whole command is measured: it reads and compiles the issue, freezes content and audience,
sends every message to a sink over SMTP, and counts. A time for each recipient and a
peak of memory that hardly grow show that neither depends on the size of the list.
"""

import datetime as dt
import shutil
import sqlite3
import statistics
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mailing import (
    add_people,
    environment,
    in_child,
    make_project,
    settings_of,
    sink,
)
from benchmarks.report import ROOT, table
from newsletter_mailer.store.engine import open_store

MANY = 1_000_000
FEW = 10_000
FEW_BEFORE_AND_AFTER = 3
"""How often the few get it before the many, and as often after: the machine may be busy."""

TARGET_MEGABYTES = 120
TARGET_RATIO = 1.3
TARGET_SLOWER = 1.15

_FOLDER = ROOT / "var" / "bench-campaign"
_UNCHECKED = ("--accept-unknown", "all")
"""Nobody looks at links here, and `send` wants to hear that this is known."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One campaign: the time by its own ledger, from freezing to the last reply."""

    people: int
    seconds: float
    megabytes: float


def measure() -> None:
    """Send the campaigns, and print the figures."""
    few = [_send(FEW) for _ in range(FEW_BEFORE_AND_AFTER)]
    many = _send(MANY)
    few += [_send(FEW) for _ in range(FEW_BEFORE_AND_AFTER)]
    _print(few, many)


def _subscribed(people: int) -> Path:
    """A project with so many subscribers, made once and kept for the next run."""
    folder = _FOLDER / f"{people}"
    if not folder.exists():
        draft = _FOLDER / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        make_project(draft)
        settings = settings_of(draft)
        engine = open_store(settings)
        add_people(engine, settings, people)
        engine.dispose()
        draft.rename(folder)
    return folder


def _send(people: int) -> Sent:
    copy = _FOLDER / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(_subscribed(people), copy)
    counted: dict[str, int] = {}
    try:
        with sink(counted) as port:
            words = ("--project", str(copy), "send", "6", "--yes", "--json", *_UNCHECKED)
            done = in_child("command_once", *words, extra=environment(port))
        if counted["messages"] != people:
            raise RuntimeError(f"{counted['messages']:,} of {people:,} messages came")
        return Sent(people, _seconds(copy / "var" / "newsletter.db"), done["megabytes"])
    finally:
        shutil.rmtree(copy)


def _seconds(database: Path) -> float:
    with closing(sqlite3.connect(database)) as connection:
        begin, end = connection.execute("SELECT frozen_at, finished_at FROM campaign").fetchone()
    return (dt.datetime.fromisoformat(end) - dt.datetime.fromisoformat(begin)).total_seconds()


def _print(few: list[Sent], many: Sent) -> None:
    few_each = statistics.median(one.seconds for one in few) / FEW
    few_megabytes = statistics.median(one.megabytes for one in few)
    slower = (many.seconds / MANY) / few_each
    bigger = many.megabytes / few_megabytes
    table(
        "newsletter send, from freezing to the last reply",
        ("", f"{FEW:,} people", f"{MANY:,} people", "ratio"),
        [
            ("seconds", f"{few_each * FEW:.2f}", f"{many.seconds:.1f}", ""),
            (
                "microseconds a recipient",
                f"{few_each * 1e6:.0f}",
                f"{many.seconds / MANY * 1e6:.0f}",
                f"{slower:.2f} x",
            ),
            (
                "peak memory, MB",
                f"{few_megabytes:.0f}",
                f"{many.megabytes:.0f}",
                f"{bigger:.2f} x",
            ),
        ],
    )
    for target, kept in (
        (f"less than {TARGET_MEGABYTES} MB", many.megabytes < TARGET_MEGABYTES),
        (f"at most {TARGET_RATIO:g} times the memory", bigger <= TARGET_RATIO),
        (f"at most {TARGET_SLOWER:g} times the time a recipient", slower <= TARGET_SLOWER),
    ):
        print(f"  Target of {target}: {'kept' if kept else 'NOT kept'}.")
