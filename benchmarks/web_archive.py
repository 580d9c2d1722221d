"""The archive of 500 issues: pages a second beside a bare route with one insert, and memory.

The bare route is FastAPI with one insert into SQLite by the program's own engine, each on the
disk before the answer. Both are asked in this process without a network, one after the
other in turns, so that a busy machine slows both.
"""

import asyncio
import datetime as dt
import gc
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from sqlalchemy import Connection, insert, select

from benchmarks.report import ROOT, ratios, table
from newsletter_mailer.archive.shelving import Shelf, prepare, shelve
from newsletter_mailer.compiling.compiler import Compiler
from newsletter_mailer.reading.agencies import read_registry
from newsletter_mailer.reading.issue import find_issue, read_issue
from newsletter_mailer.settings import load_settings
from newsletter_mailer.store.engine import open_store, writing
from newsletter_mailer.store.tables import campaign
from newsletter_mailer.store.web_tables import leaving_reason
from newsletter_mailer.web.app import application
from newsletter_mailer.web.pages import Pages
from newsletter_mailer.web.site import Site

ISSUES = 500
ROUNDS = 7
A_ROUND = 100
"""Requests, each of another issue."""

_KEPT = ("other", "gp", "police")
"""The agencies whose pages are kept of each issue, so that the database stays small."""


def measure() -> None:
    """Run all rounds, and print them."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("issues", "templates", "subscribers"):
            shutil.copytree(ROOT / name, Path(folder) / name)
        shutil.copy(ROOT / "newsletter.toml", folder)
        asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> None:
    settings = load_settings(folder)
    registry = read_registry(settings.agencies_file, "agencies.yaml")
    engine = open_store(settings)
    issue, _ = read_issue(find_issue(settings.issues, "6"), registry)
    compiler = Compiler(settings)
    shelf = prepare(compiler, issue, compiler.compile(issue, registry), registry)
    with writing(engine) as connection:
        for number in range(1, ISSUES + 1):
            _fill(connection, shelf, number)
    site = Site(settings, registry, engine, Pages(settings), ("k" * 40,), _now, lambda: "x")
    bare = FastAPI()

    @bare.post("/")
    def one_insert() -> dict[str, str]:
        with writing(engine) as connection:
            connection.execute(
                insert(leaving_reason).values(reason="other", agency="gp", at=_now())
            )
        return {"status": "kept"}

    pages, inserts = _client(application(site)), _client(bare)
    paths: dict[str, Callable[[int], str]] = {
        "an issue's page": lambda n: f"/archive/{n:03d}-issue",
        "the same, compressed": lambda n: f"/archive/{n:03d}-issue",
        "the list": lambda n: f"/archive?page={n % 25 + 1}",
    }
    seconds: dict[str, list[float]] = {name: [] for name in ("one insert", *paths)}
    memory = [_resident()]
    for at in range(ROUNDS):
        numbers = [(at * A_ROUND + n) % ISSUES + 1 for n in range(A_ROUND)]
        begin = perf_counter()
        for _ in numbers:
            (await inserts.post("/")).raise_for_status()
        seconds["one insert"].append(perf_counter() - begin)
        for name, path in paths.items():
            encoding = {"accept-encoding": "gzip" if "compressed" in name else "identity"}
            begin = perf_counter()
            for n in numbers:
                (await pages.get(path(n), headers=encoding)).raise_for_status()
            seconds[name].append(perf_counter() - begin)
        for path_ in ("/archive/feed.atom", "/sitemap.xml", "/archive/events.ics"):
            (await pages.get(path_)).raise_for_status()
        gc.collect()
        memory.append(_resident())
    engine.dispose()
    table(
        f"The archive of {ISSUES} issues, {A_ROUND} requests a round, {ROUNDS} rounds in turns",
        ("ratio: pages a second : inserts a second", "median", "lowest", "highest"),
        [(name, *ratios(seconds["one insert"], seconds[name])) for name in paths],
    )
    table(
        "The times behind them",
        ("what", "a second, median"),
        [(name, f"{A_ROUND / sorted(each)[ROUNDS // 2]:,.0f}") for name, each in seconds.items()],
    )
    table(
        "Memory of the process, in megabytes",
        ("when", "MB"),
        [
            ("before the first page", f"{memory[0]:.1f}"),
            *((f"after round {n}", f"{each:.1f}") for n, each in enumerate(memory[1:], start=1)),
        ],
    )


def _fill(connection: Connection, shelf: Shelf, number: int) -> None:
    """Put a copy of an issue on the shelf, as if it had been sent."""
    name = f"{number:03d}-issue"
    values: dict[str, Any] = {
        "name": name,
        "issue": name,
        "number": number,
        "title": shelf.issue["title"],
        "state": "done",
        "token": name,
        "content_hash": "",
        "transport": "outbox",
        "sender_name": "Office",
        "sender_address": "office@example.org",
        "greeting": {},
        "frozen_at": _now(),
        "started_at": _now(),
        "finished_at": _now(),
    }
    connection.execute(insert(campaign).values(values))
    id_ = connection.execute(select(campaign.c.id).where(campaign.c.name == name)).scalar_one()
    kept = [page for page in shelf.pages if page["agency"] in _KEPT]
    shelve(
        connection,
        id_,
        Shelf(shelf.issue | {"issue": name, "number": number}, kept, shelf.files, shelf.articles),
    )


def _client(app: FastAPI) -> AsyncClient:
    return AsyncClient(transport=ASGITransport(app), base_url="https://newsletter.example.org")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _resident() -> float:
    """Megabytes that this process holds now; nought where the system does not say."""
    status = Path(f"/proc/{os.getpid()}/statm")
    if not status.is_file():
        return 0.0
    return int(status.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6
