"""Workers on PostgreSQL: campaigns sent by several at once, and by nobody twice."""

import asyncio
import datetime as dt
import json
import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from procrastinate import App, PsycopgConnector
from sqlalchemy import text

from newsletter_mailer.errors import SendingError
from newsletter_mailer.sending import control
from newsletter_mailer.sending.campaign import find_campaign
from newsletter_mailer.sending.distributed.clock import DatabaseClock
from newsletter_mailer.sending.distributed.metrics import Metrics
from newsletter_mailer.sending.distributed.queue import (
    SCHEMA,
    jobs_under_way,
    pool_options,
    reap,
    wake_for,
)
from newsletter_mailer.sending.distributed.serving import serve
from newsletter_mailer.sending.distributed.working import Worker
from newsletter_mailer.sending.generation import refuse_a_copy
from newsletter_mailer.sending.rules import wall_clock
from newsletter_mailer.sending.staged_batches import add
from newsletter_mailer.settings import load_settings
from newsletter_mailer.store.engine import open_store, reading, writing
from newsletter_mailer.store.tables import delivery
from tests.databases import URL, Server, settings_with
from tests.fake_smtp import FakeSmtp
from tests.mailroom import small_office, way_to
from tests.office import Office
from tests.under_way import store

PEOPLE = 300
QUEUED = ("send", "6", "--yes", "--json", "--no-wait", "--accept-unknown", "all")
_SOON = 30.0


@pytest.fixture
def server() -> Iterator[FakeSmtp]:
    """A mail server."""
    with FakeSmtp(pipelining=True) as running:
        yield running


@pytest.fixture
def office(
    project: Path, postgres: Server, server: FakeSmtp, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    """An office with 300 subscribers on PostgreSQL, which sends to the server in small batches."""
    url = postgres.fresh()
    for name, value in {URL: url, **way_to(server, batch_size=20, lease=3)}.items():
        monkeypatch.setenv(name, value)
    yield small_office(project, PEOPLE)
    postgres.drop(url)


@contextmanager
def workers(office: Office, number: int) -> Iterator[list[str]]:
    """So many workers in this process; what they told, whole at the end."""
    told: list[str] = []
    stop = threading.Event()
    settings = load_settings(office.folder)
    engines = [open_store(settings, in_turn=False) for _ in range(number)]
    threads = [
        threading.Thread(target=serve, args=(engine, settings, Metrics(), stop, told.append))
        for engine in engines
    ]
    for thread in threads:
        thread.start()
    try:
        yield told
    finally:
        stop.set()
        for thread in threads:
            thread.join(_SOON)
        for engine in engines:
            engine.dispose()
        assert not any(thread.is_alive() for thread in threads)


def state_of(office: Office) -> str:
    """The state of the campaign."""
    with store(office) as engine, reading(engine) as connection:
        return find_campaign(connection, "6").state


def wait_for(office: Office, state: str) -> None:
    """Wait until the campaign is in this state."""
    until = time.monotonic() + _SOON
    while state_of(office) != state:
        assert time.monotonic() < until, state_of(office)
        time.sleep(0.1)


def statuses(office: Office) -> Counter[str]:
    """How many deliveries have each status."""
    with store(office) as engine, reading(engine) as connection:
        return Counter(connection.scalars(delivery.select().with_only_columns(delivery.c.status)))


def test_workers_send_a_campaign_together(office: Office, server: FakeSmtp) -> None:
    """Three workers at once: everyone is served once, and the ledger and the queue say so."""
    office.ok(*QUEUED)
    with workers(office, 3) as told:
        wait_for(office, "done")
    assert told == []
    assert Counter(server.recipients()) == Counter(f"reader{n}@example.org" for n in range(PEOPLE))
    assert statuses(office) == {"sent": PEOPLE}
    assert not list((office.folder / "var" / "journals").glob("*.journal"))


def test_send_watches_the_workers_to_the_end(office: Office, server: FakeSmtp) -> None:
    """Without --no-wait, `send` returns when they are done, with the figures."""
    with workers(office, 1):
        result = office.ok("send", "6", "--yes", "--json", "--accept-unknown", "all")
    assert (result.data["state"], result.data["sent"]) == ("done", PEOPLE)
    assert len(server.recipients()) == PEOPLE


def test_batches_and_their_jobs_are_there_together_or_not_at_all(office: Office) -> None:
    """A job for each batch is committed with the campaign; with a rollback there is none."""
    office.ok(*QUEUED)
    with store(office) as engine:
        with reading(engine) as connection:
            assert jobs_under_way(connection, 1) == PEOPLE // 20
        with writing(engine) as connection:
            wake_for(connection, 1, [1, 2, 3])
            connection.rollback()
        with reading(engine) as connection:
            assert jobs_under_way(connection, 1) == PEOPLE // 20


def test_a_scheduled_campaign_is_one_job(office: Office, server: FakeSmtp) -> None:
    """However many batches: its jobs come into being when it begins, and it is sent."""
    zone = load_settings(office.folder).office.zone
    start = (wall_clock() + dt.timedelta(hours=1)).astimezone(zone).strftime("%Y-%m-%d %H:%M")
    office.ok(*QUEUED, "--at", start)
    with store(office) as engine:
        with reading(engine) as connection:
            rows = connection.execute(
                text(f"SELECT task_name FROM {SCHEMA}.procrastinate_jobs")  # noqa: S608 - ours
            )
            assert rows.scalars().all() == ["newsletter.start"]
        with writing(engine) as connection:
            connection.execute(text("UPDATE campaign SET scheduled_at = now()"))
            connection.execute(text(f"SET LOCAL search_path = {SCHEMA}"))
            connection.execute(
                text(f"UPDATE {SCHEMA}.procrastinate_jobs SET scheduled_at = now()")  # noqa: S608
            )
    with workers(office, 1):
        wait_for(office, "done")
    assert len(server.recipients()) == PEOPLE


def test_a_campaign_that_is_resumed_goes_on_by_itself(office: Office, server: FakeSmtp) -> None:
    """Its jobs were used up while it was paused; the sweeper adds new ones."""
    office.ok(*QUEUED)
    office.ok("pause", "6")
    with workers(office, 1):
        until = time.monotonic() + _SOON
        with store(office) as engine:
            while True:
                with reading(engine) as connection:
                    if not jobs_under_way(connection, 1):
                        break
                assert time.monotonic() < until
                time.sleep(0.1)
        assert server.recipients() == []
        office.ok("resume", "6")
        wait_for(office, "done")
    assert Counter(server.recipients()).most_common(1)[0][1] == 1
    assert statuses(office) == {"sent": PEOPLE}


def test_a_worker_that_is_told_to_stop_gives_back_what_has_not_left(
    office: Office, server: FakeSmtp
) -> None:
    """After SIGTERM nothing is on its way or in doubt, and another worker sends the rest."""
    os.environ["NEWSLETTER_SEND__PER_SECOND"] = "100"
    try:
        office.ok(*QUEUED)
        process = office.start("worker", "--metrics-port", "0")
        with process:
            assert process.stdout is not None
            address = process.stdout.readline().split()[-1]
            until = time.monotonic() + _SOON
            while len(server.recipients()) < 30 and time.monotonic() < until:
                time.sleep(0.02)
            figures = urllib.request.urlopen(address).read().decode()  # noqa: S310 - our own
            process.send_signal(signal.SIGTERM)
            assert process.wait(_SOON) == 0
    finally:
        del os.environ["NEWSLETTER_SEND__PER_SECOND"]
    assert 'newsletter_letters_total{campaign="06-autumn-2018",outcome="accepted"}' in figures
    assert set(statuses(office)) == {"sent", "pending"}
    assert statuses(office)["sent"] == len(server.recipients())
    with workers(office, 1):
        wait_for(office, "done")
    assert statuses(office) == {"sent": PEOPLE}


def test_two_who_look_after_dead_workers_put_a_job_back_once(office: Office) -> None:
    """Only one of two at once gets to it, so that a stalled job is tried again one time."""
    office.ok(*QUEUED)
    with store(office) as engine, writing(engine) as connection:
        connection.execute(text(f"SET LOCAL search_path = {SCHEMA}"))
        worker = connection.scalar(text("SELECT worker_id FROM procrastinate_register_worker_v1()"))
        fetch = text("SELECT id FROM procrastinate_fetch_job_v2(NULL, :worker)")
        connection.execute(fetch, {"worker": worker})
        connection.execute(
            text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
        )

    async def both() -> tuple[int | None, ...]:
        app = App(connector=PsycopgConnector(**options))
        async with app.open_async():
            return await asyncio.gather(reap(app, 1.0), reap(app, 1.0), reap(app, 1.0))

    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    with store(office) as engine:
        options = pool_options(engine)
        found = asyncio.run(both())
        with reading(engine) as connection:
            tries = connection.execute(
                text(f"SELECT max(attempts), count(*) FROM {SCHEMA}.procrastinate_jobs")  # noqa: S608
            ).one()
    assert Counter(found)[1] == 1
    assert set(found) <= {1, 0, None}
    assert tuple(tries) == (1, PEOPLE // 20)


def test_the_databases_clock_is_gone_by(office: Office) -> None:
    """A host whose own clock is wrong sees the time as the database has it."""
    with store(office) as engine:
        clock = DatabaseClock(engine)
        with reading(engine) as connection:
            told = connection.scalar(text("SELECT clock_timestamp()"))
    assert abs((clock() - told).total_seconds()) < 1


def test_a_dump_restored_beside_the_original_refuses_to_send(
    office: Office, server: FakeSmtp, postgres: Server, tmp_path: Path
) -> None:
    """Half sent, dumped and restored as another database: neither `send` nor `worker` uses it.

    Once somebody has answered for it, it is sent from.
    """
    office.ok(*QUEUED)
    with store(office) as engine, writing(engine) as connection:
        control.pause(connection, 1, "for the dump")
    with workers(office, 1):
        pass  # it has seen the database, and made itself at home
    copy = postgres.fresh(template="template0")
    dump = tmp_path / "dump.sql"
    for words in (
        ["pg_dump", "--file", str(dump), os.environ[URL]],
        ["psql", "--quiet", "--output", os.devnull, "--file", str(dump), copy],
    ):
        program = str(postgres.programs / words[0])
        subprocess.run([program, *words[1:]], check=True, capture_output=True)
    with pytest.MonkeyPatch.context() as world:
        world.setenv(URL, copy)
        for command in (QUEUED, ("worker",)):
            refused = office.run(*command)
            assert refused.code == 1, refused
            said = refused.out + refused.err
            assert "restored or copied to another place" in said
            assert "newsletter adopt" in said
        shown = office.run("adopt")
        assert shown.code == 2
        assert f"is paused: {PEOPLE} letters still to come" in shown.out
        office.ok("adopt", "--yes", "--by", "the office")
        assert "the office" in office.ok("adopt").out
        office.ok("resume", "6")
        with workers(office, 1):
            wait_for(office, "done")
    postgres.drop(copy)
    assert len(server.recipients()) == PEOPLE


def test_a_database_put_back_to_an_earlier_state_refuses_to_send(
    office: Office, server: FakeSmtp
) -> None:
    """The same database with yesterday's rows: this host knows of letters that it does not."""
    office.ok(*QUEUED)
    with workers(office, 1):
        wait_for(office, "done")
    before = len(server.recipients())
    with psycopg.connect(os.environ[URL]) as connection:
        connection.execute("UPDATE delivery SET status = 'pending', attempts = 0")
        connection.execute("UPDATE batch SET state = 'ready'")
        connection.execute("UPDATE campaign SET state = 'sending'")
    refused = office.run(*QUEUED)
    assert refused.code == 1
    assert "It is in an earlier state" in refused.out
    assert office.run("worker").code == 1
    assert len(server.recipients()) == before


def test_workers_that_start_at_the_same_moment_all_start(postgres: Server, tmp_path: Path) -> None:
    """On a database that nobody has sent from, the second does not fail for the first's sake."""
    settings = settings_with(postgres.fresh())
    engine = open_store(settings, in_turn=False)

    def start() -> None:
        with writing(engine) as connection:
            refuse_a_copy(connection, tmp_path, wall_clock())

    with ThreadPoolExecutor(1) as other:
        with writing(engine) as connection:
            refuse_a_copy(connection, tmp_path, wall_clock())
            second = other.submit(start)
            while not second.done() and not _somebody_waits(postgres):
                time.sleep(0.01)
            assert not second.done()
        second.result(timeout=30)
        start()
    engine.dispose()


def _somebody_waits(postgres: Server) -> bool:
    """Whether a transaction on the server waits for another."""
    with psycopg.connect(postgres.url("postgres")) as connection:
        return connection.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone() is not None


def test_a_copied_project_on_sqlite_refuses_to_send(project: Path, tmp_path: Path) -> None:
    """A copy of the folder, and a database put back from a backup, do not send until adopted."""
    office = small_office(project, 5)
    office.ok("send", "6", "--yes", "--json")
    backup = tmp_path / "backup.db"
    with closing(sqlite3.connect(project / "var" / "newsletter.db")) as database:
        database.execute("VACUUM INTO ?", (str(backup),))
    other = tmp_path / "elsewhere"
    shutil.copytree(project, other)
    refused = Office(other).run("send", "6", "--yes", "--json")
    assert refused.code == 1
    assert "copied or moved here from another place" in refused.out
    office.write_people(8)
    office.ok("subscribers", "import", str(office.folder / "people.csv"))
    office.ok("send", "6", "--yes", "--json", "--audience", "all")
    for path in (project / "var").glob("newsletter.db*"):
        path.unlink()
    shutil.copy(backup, project / "var" / "newsletter.db")
    behind = office.run("send", "6", "--yes", "--json", "--audience", "all")
    assert behind.code == 1
    assert "no such delivery" in behind.out
    assert json.loads(office.ok("adopt", "--yes", "--json").out)["adopted"]
    assert office.run("send", "6", "--yes", "--json").code == 0


def test_workers_need_postgresql(project: Path) -> None:
    """On SQLite `worker` says so, and `migrate` has nothing more to do than any command."""
    office = Office(project)
    refused = office.run("worker")
    assert refused.code == 2
    assert "Workers need PostgreSQL" in refused.err
    assert "the newest" in office.ok("migrate").out


def test_workers_refuse_to_send_what_is_to_be_staged(office: Office, server: FakeSmtp) -> None:
    """Neither `send` nor `worker` takes `send.staged` for less than it says: nothing leaves."""
    staged = {"NEWSLETTER_SEND__STAGED": "true"}
    for words in (QUEUED, ("worker",)):
        result = office.run(*words, **staged)
        assert (result.code, "send.staged" in result.out + result.err) == (2, True), result
    assert not server.recipients()


def test_a_campaign_in_a_staged_batch_is_left_alone_by_workers(
    office: Office, server: FakeSmtp
) -> None:
    """Whatever the settings say: what the provider holds of it must be released or recalled."""
    office.ok(*QUEUED)
    with store(office) as engine:
        settings = load_settings(office.folder)
        with writing(engine) as connection:
            number = find_campaign(connection, "6").id
            add(connection, number, "a-batch", wall_clock() + dt.timedelta(hours=1), wall_clock())
        worker = Worker(engine, settings, Metrics(), threading.Event())
        with pytest.raises(SendingError, match="holds back"):
            worker.send(number)
    assert not server.recipients()


def test_migrate_can_be_run_again(postgres: Server, project: Path) -> None:
    """It makes everything in an empty database, and nothing a second time."""
    url = postgres.fresh(template="template1")
    office = Office(project)
    assert "newsletter migrate" in office.run("status", **{URL: url}).err
    for _ in range(2):
        assert "the newest" in office.ok("migrate", **{URL: url}).out
    assert office.ok("status", **{URL: url}).code == 0
    postgres.drop(url)


def test_a_server_that_is_not_there_is_explained(project: Path, tmp_path: Path) -> None:
    """No traceback, and what to look at."""
    gone = Office(project).run("status", **{URL: f"postgresql://office@/news?host={tmp_path}"})
    assert gone.code == 1
    assert f"The database news on {tmp_path} cannot be reached" in gone.err
    assert "NEWSLETTER_DATABASE_URL" in gone.err
