"""The torture of the ledger on PostgreSQL: `python -m tests.torture_workers --people 100000`.

A campaign is sent by three workers to a server that writes down the truth before each of its
replies. Meanwhile they are killed again and again, stopped past their leases, robbed of their
batches and taken for dead while they live; two others look for the jobs of dead workers at the
same moment; the campaign is paused and resumed; and the database crashes twice. At the end the
ledger is held against the truth. There is a verdict in any case, within `--limit` seconds and two
minutes more: whatever does not come to its end by itself is ended, named, and fails the run.
"""

import argparse
import asyncio
import logging
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from procrastinate import App, PsycopgConnector
from sqlalchemy import text

from newsletter_mailer.errors import StoreError
from newsletter_mailer.sending.campaign import find_campaign
from newsletter_mailer.sending.counting import count
from newsletter_mailer.sending.distributed.queue import LOST, SCHEMA, pool_options, reap
from newsletter_mailer.store.engine import reading, writing
from tests.crew import Crew, Overdue, Tally, no_longer_than
from tests.databases import URL, Server
from tests.databases import server as postgres_server
from tests.fake_sendgrid import FakeSendgrid
from tests.office import Office
from tests.sendgrid_office import way_to_sendgrid
from tests.sendgrid_torture import MOODS
from tests.torture import (
    CONNECTIONS,
    LEASE,
    environment,
    judge,
    rob,
    server,
    shown,
    taken_by,
    torture_office,
)
from tests.under_way import store

WORKERS = 3
RESTARTS = 2
REQUEST = 100
"""People in a request to the provider."""

LIMIT = 900
"""Seconds that the campaign may take at most."""

_END = 120
"""Seconds after that until everything has ended."""


@dataclass(frozen=True)
class Truth:
    """What the other side has: how often whom, and how much it has seen so far."""

    taken: Callable[[], Counter[str]]
    seen: Callable[[], int]
    settings: Mapping[str, str]


def torture(
    folder: Path,
    postgres: Server,
    *,
    people: int,
    kills: int,
    seed: int,
    rate: int,
    sendgrid: bool = False,
    limit: int = LIMIT,
) -> Tally:
    """Send one campaign under torture from a project made in `folder`, and judge its ledger.

    `limit` is how many seconds the campaign may take.
    """
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    office = torture_office(folder)
    report = Tally(people, at_once=REQUEST if sendgrid else CONNECTIONS)
    other_side = _provider(seed) if sendgrid else _relay(folder / "truth.jsonl", seed)
    with other_side as truth, _settings(postgres.fresh(), {**truth.settings, **_pace(rate)}):
        office.subscribe(people)
        crew = Crew(office, WORKERS, folder / "workers.log", report)
        try:
            with no_longer_than(limit + _END):
                _campaign(office, crew, postgres, truth, chance, report, kills, limit)
                crew.dismiss()
        except Overdue:
            report.trouble.append(f"it had not ended after {limit + _END} seconds")
        except Exception as error:  # the ledger is held against the truth in any case
            traceback.print_exc()
            report.trouble.append(f"{type(error).__name__}: {error}")
        finally:
            crew.end()
        judge(office, truth.taken(), report)
    return report


def _campaign(
    office: Office,
    crew: Crew,
    postgres: Server,
    truth: Truth,
    chance: random.Random,
    report: Tally,
    kills: int,
    limit: float,
) -> None:
    """Hand a campaign over to the workers, and do one thing after the other to them."""
    crew.muster()
    began = time.monotonic()
    office.ok("send", "6", "--yes", "--json", "--no-wait", "--accept-unknown", "all")
    seen = 0
    while not _over(office) and time.monotonic() - began < limit:
        crew.muster()
        time.sleep(chance.uniform(0.05, 0.4))
        if truth.seen() > seen and report.kills < kills:
            seen = truth.seen()
            _something(office, crew, postgres, chance, report, kills)
            if report.kills == kills:  # the rest may go as fast as it can
                os.environ["NEWSLETTER_SEND__PER_SECOND"] = "5000"
                crew.relieve()
    report.seconds = time.monotonic() - began


@contextmanager
def _relay(path: Path, seed: int) -> Iterator[Truth]:
    with server(path, seed) as port:
        yield Truth(
            lambda: taken_by(path),
            lambda: path.stat().st_size if path.exists() else 0,
            environment(port, 1),
        )


@contextmanager
def _provider(seed: int) -> Iterator[Truth]:
    moods = MOODS[:-1]  # but for the one that leaves a request in doubt
    with FakeSendgrid(moods, window=1.0, latency=0.03, seed=seed, keep=False) as running:
        yield Truth(
            running.recipients,
            running.moods.seen.total,
            way_to_sendgrid(running, sendgrid__batch=REQUEST),
        )


def _pace(rate: int) -> dict[str, str]:
    chosen = environment(1, rate)
    return {name: value for name, value in chosen.items() if "_SEND__" in name}


def _something(
    office: Office,
    crew: Crew,
    postgres: Server,
    chance: random.Random,
    report: Tally,
    kills: int,
) -> None:
    """Kill one of them, mostly."""
    victim = chance.choice(crew.alive)
    due = report.kills * RESTARTS // max(1, kills - 1) if report.kills else 0
    whim = chance.random()
    if report.restarts < min(due, RESTARTS):
        report.restarts += 1
        postgres.restart()
    elif whim < 0.12:
        report.stops += 1
        victim.send_signal(signal.SIGSTOP)
        time.sleep(LEASE * 1.3)
        victim.send_signal(signal.SIGCONT)
    elif whim < 0.24:
        rob(office, report)
    elif whim < 0.4:
        report.stale += 1
        _take_for_dead(office)
    elif whim < 0.5:
        report.pauses += 1
        paused = office.run("pause", "6")
        time.sleep(0.3)
        if paused.code == 0:
            office.ok("resume", "6")
    else:
        victim.kill()
        report.kills += 1
    report.reapers += _reap_twice(office)


def _take_for_dead(office: Office) -> None:
    """Have every worker seem dead for an hour."""
    with store(office) as engine, writing(engine) as connection:
        connection.execute(
            text(
                f"UPDATE {SCHEMA}.procrastinate_workers "  # noqa: S608 - a constant
                "SET last_heartbeat = now() - interval '1 hour'"
            )
        )


def _reap_twice(office: Office) -> int:
    """Two look after the jobs of the dead at once; how many of them got to it.

    On a busy machine the database may keep them waiting for too long.
    """

    async def both(options: dict[str, Any]) -> int:
        app = App(connector=PsycopgConnector(**options))
        async with app.open_async():
            found = await asyncio.gather(
                reap(app, LEASE / 2), reap(app, LEASE / 2), return_exceptions=True
            )
        for each in found:
            if isinstance(each, BaseException) and not isinstance(each, LOST):
                raise each
        return sum(isinstance(each, int) for each in found)

    with store(office) as engine, suppress(*LOST):
        return asyncio.run(both(pool_options(engine)))
    return 0


def _over(office: Office) -> bool:
    """Whether the campaign has ended; not while nobody can tell."""
    try:
        with store(office) as engine, reading(engine) as connection:
            known = find_campaign(connection, "6")
            return known.state == "done" and not count(connection, known.id).open
    except StoreError:
        return False


@contextmanager
def _settings(url: str, others: Mapping[str, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as world:
        world.setenv(URL, url)
        for name, value in others.items():
            world.setenv(name, value)
        yield


def main() -> None:
    """Run it and print what came of it; exit code 1 where the ledger was wrong."""
    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    parser = argparse.ArgumentParser(prog="python -m tests.torture_workers", description=__doc__)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=35)
    parser.add_argument("--rate", type=int, help="letters a second; by default so that it lasts")
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument("--sendgrid", action="store_true", help="send through that transport")
    parser.add_argument("--limit", type=int, default=LIMIT, help=f"seconds ({LIMIT})")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))  # and clean up
    with tempfile.TemporaryDirectory(prefix="torture-") as folder, postgres_server() as postgres:
        rate = chosen.rate or max(50, chosen.people // max(25, 3 * chosen.kills))
        report = torture(
            Path(folder),
            postgres,
            people=chosen.people,
            kills=chosen.kills,
            seed=chosen.seed,
            rate=rate,
            sendgrid=chosen.sendgrid,
            limit=chosen.limit,
        )
        if not report.passed:
            sys.stdout.write((Path(folder) / "workers.log").read_text(encoding="utf-8")[-20_000:])
    sys.stdout.write(shown(report) + "\n")
    sys.stdout.write("passed\n" if report.passed else "FAILED\n")
    sys.exit(not report.passed)


if __name__ == "__main__":
    main()
