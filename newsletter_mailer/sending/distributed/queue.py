"""The queue: Procrastinate, which hands jobs to workers, behind the few calls that we need.

A job only wakes a worker up. What there is to send, who may send it and what became of it
stands in our own tables, since a queue may run a job twice: two that look for stalled jobs can
each hand out the same one, and a worker that was taken for dead goes on with its own. So a job
may come too often, too late or never (`sweeping.py`), and nobody gets a letter twice.

Its tables live in a schema of their own, `procrastinate`.
"""

import asyncio
import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.schema import SchemaManager
from psycopg import errors
from sqlalchemy import Connection, Engine, text

from newsletter_mailer.errors import StoreError
from newsletter_mailer.store.engine import shown, writing

SCHEMA = "procrastinate"

_SEND = "newsletter.send"
_START = "newsletter.start"
_QUEUE = "newsletter"
_AT_ONCE = 1_000

_CARE = 6_153_801_002
"""Names the advisory lock of the one who looks after stalled jobs and forgotten batches."""

_CONNECTIONS = 4
_POLL = 5.0
"""Seconds between two looks for jobs, should a notification get lost."""

LOST = (ConnectorException, errors.Error, OSError)
"""What a worker raises that has lost the database, or its place in the list of workers."""


@dataclass(frozen=True, slots=True)
class Beat:
    """Seconds: between two signs of life, until a worker counts as dead, between two cares."""

    sign: float
    stall: float
    care: float

    @classmethod
    def of(cls, lease: dt.timedelta) -> "Beat":
        """What goes with a lease: 10, 30 and 10 seconds with one of 60."""
        seconds = lease.total_seconds()
        return cls(seconds / 6, seconds / 2, seconds / 6)


@dataclass(frozen=True, slots=True)
class Duties:
    """What a worker does: send what it can of a campaign, start one, and sweep.

    They run in threads. `sweep` is called by one worker at a time.
    """

    send: Callable[[int], None]
    start: Callable[[int], None]
    sweep: Callable[[], None]


def migrate_queue(engine: Engine) -> None:
    """Make the queue's tables, or bring them to the installed version of Procrastinate.

    Raises:
        StoreError: the database refused, or a newer version has used it.
    """
    steps = sorted(
        each.name
        for each in resources.files("procrastinate.sql.migrations").iterdir()
        if each.name.endswith(".sql")
    )
    with writing(engine) as connection:
        found = _step(connection)
        if found and found > steps[-1]:
            raise StoreError(
                f"The queue in {shown(engine)} is at step {found}, which this version of the "
                f"program does not know; its newest is {steps[-1]}. Update the program."
            )
        if found is None:
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        with _in_schema(connection):
            driver = _driver(connection)
            if found is None:
                driver.execute(SchemaManager.get_schema())
            for step in steps:
                if found is not None and step > found:
                    file = resources.files("procrastinate.sql.migrations") / step
                    driver.execute(file.read_text(encoding="utf-8"))
        connection.execute(text(f"COMMENT ON SCHEMA {SCHEMA} IS '{steps[-1]}'"))


def queue_is_ready(connection: Connection) -> bool:
    """Whether the queue's tables are there."""
    return _step(connection) is not None


def wake_for(connection: Connection, campaign_id: int, batches: Sequence[int]) -> None:
    """Have workers woken up, once for each of these batches, if the transaction is committed."""
    jobs: list[Any] = [{"campaign_id": campaign_id, "batch": number} for number in batches]
    with _in_schema(connection):
        task = _sender().configure_task(_SEND, queue=_QUEUE, connection=_driver(connection))
        for at in range(0, len(jobs), _AT_ONCE):
            task.batch_defer(*jobs[at : at + _AT_ONCE])


def start_at(connection: Connection, campaign_id: int, moment: dt.datetime) -> None:
    """Have a campaign started then, if the transaction is committed: one job, however many batches.

    Thousands of jobs for later would slow down whoever looks for those of now.
    """
    with _in_schema(connection):
        _sender().configure_task(
            _START, queue=_QUEUE, schedule_at=moment, connection=_driver(connection)
        ).defer(campaign_id=campaign_id)


def jobs_under_way(connection: Connection, campaign_id: int) -> int:
    """How many jobs of a campaign wait or run."""
    found: int = connection.execute(
        text(
            f"SELECT count(*) FROM {SCHEMA}.procrastinate_jobs "  # noqa: S608 - our own name
            "WHERE status IN ('todo', 'doing') AND (scheduled_at IS NULL OR scheduled_at <= now()) "
            "AND (args ->> 'campaign_id')::bigint = :campaign"
        ),
        {"campaign": campaign_id},
    ).scalar_one()
    return found


def workers_alive(connection: Connection, stall: float) -> int:
    """How many workers gave a sign of life within so many seconds."""
    found: int = connection.execute(
        text(
            f"SELECT count(*) FROM {SCHEMA}.procrastinate_workers "  # noqa: S608 - our own name
            "WHERE last_heartbeat > now() - make_interval(secs => :stall)"
        ),
        {"stall": stall},
    ).scalar_one()
    return found


async def work(
    engine: Engine,
    duties: Duties,
    beat: Beat,
    *,
    name: str,
    stop: threading.Event,
    reaped: Callable[[int], None],
) -> None:
    """Do jobs one after the other until `stop` is set; the one under way is seen to its end.

    `reaped` hears how many stalled jobs were put back.

    Raises:
        LOST: the database is gone, or somebody took this worker for dead. Begin again.
    """
    app = App(connector=PsycopgConnector(**pool_options(engine)))

    @app.task(name=_SEND, queue=_QUEUE)
    def send(campaign_id: int, batch: int) -> None:  # noqa: ARG001 - the batch that it is for
        duties.send(campaign_id)

    @app.task(name=_START, queue=_QUEUE)
    def start(campaign_id: int) -> None:
        duties.start(campaign_id)

    async with app.open_async():
        running = asyncio.create_task(
            app.run_worker_async(
                queues=[_QUEUE],
                name=name,
                fetch_job_polling_interval=min(_POLL, beat.stall),
                delete_jobs="successful",
                install_signal_handlers=False,
                update_heartbeat_interval=beat.sign,
                stalled_worker_timeout=beat.stall,
            )
        )
        caring = asyncio.create_task(_care(app, duties, beat, reaped))
        waiting = asyncio.create_task(_until(stop))
        try:
            await asyncio.wait({running, caring, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (caring, waiting, running):
                task.cancel()
            ended = await asyncio.gather(running, caring, waiting, return_exceptions=True)
        for result in ended[:2]:
            if isinstance(result, Exception):
                raise result


async def reap(app: App, stall: float, sweep: Callable[[], None] | None = None) -> int | None:
    """Put back the jobs of dead workers, and sweep; None where somebody else is at it.

    Under one lock from the list to the last job: two at once would hand out a job twice.
    """
    connector = app.connector
    assert isinstance(connector, PsycopgConnector)  # noqa: S101 - ours, from `work`
    async with connector.pool.connection() as connection, connection.transaction():
        row = await (
            await connection.execute("SELECT pg_try_advisory_xact_lock(%s)", [_CARE])
        ).fetchone()
        if not row or not row[0]:
            return None
        stalled = list(await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=stall))
        for job in stalled:
            await app.job_manager.retry_job(job)
        if sweep is not None:
            await asyncio.to_thread(sweep)
        return len(stalled)


async def _care(app: App, duties: Duties, beat: Beat, reaped: Callable[[int], None]) -> None:
    while True:
        reaped(await reap(app, beat.stall, duties.sweep) or 0)
        await asyncio.sleep(beat.care)


async def _until(stop: threading.Event) -> None:
    while not stop.is_set():
        await asyncio.sleep(0.1)


def _sender() -> App:
    """For putting jobs into the queue over a connection of our own."""
    return App(connector=SyncPsycopgConnector())


def _driver(connection: Connection) -> Any:  # noqa: ANN401 - psycopg's, as SQLAlchemy gives it
    return connection.connection.driver_connection


@contextlib.contextmanager
def _in_schema(connection: Connection) -> Iterator[None]:
    """Let names mean those of the queue's schema, within a transaction."""
    before = connection.scalar(text("SELECT current_setting('search_path')"))
    move = text("SELECT set_config('search_path', :path, true)")
    connection.execute(move, {"path": SCHEMA})
    yield
    connection.execute(move, {"path": before})


def _step(connection: Connection) -> str | None:
    """The newest of Procrastinate's migrations that was taken, None where it has no tables."""
    found: str | None = connection.scalar(
        text(
            "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = :schema"
        ),
        {"schema": SCHEMA},
    )
    return found


def pool_options(engine: Engine) -> dict[str, Any]:
    """How the queue's own connections to the same database are made."""
    url = engine.url.set(drivername="postgresql")
    return {
        "conninfo": url.render_as_string(hide_password=False),
        "kwargs": {
            "options": f"-c search_path={SCHEMA}",
            "connect_timeout": 10,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
        },
        "min_size": 1,
        "max_size": _CONNECTIONS,
        "timeout": 10.0,
    }
