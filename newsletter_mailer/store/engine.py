"""Opening the database, and the two ways to work in it: reading and writing."""

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, SAWarning, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from newsletter_mailer.errors import StoreError, UsageError
from newsletter_mailer.settings import Settings
from newsletter_mailer.store import postgres
from newsletter_mailer.store.failures import explained
from newsletter_mailer.store.migrations import HEAD

_BEGIN = "newsletter_begin"
_WAIT = "newsletter_wait"
_READ = "BEGIN"
_WRITE = "BEGIN IMMEDIATE"

_LARGE_CACHE = 32_000
"""KiB."""


def open_store(settings: Settings, *, in_turn: bool = True, any_version: bool = False) -> Engine:
    """The database of a project; SQLite's is made or brought up to date where it has to be.

    Without `database_url` it is `var/newsletter.db`. A relative path in `database_url`
    counts from the project's folder. Whoever opens it disposes of the engine.

    Args:
        settings: those of the project.
        in_turn: whether its writers take turns with others. They always do on SQLite; on
            PostgreSQL workers, who lock the rows that they touch, need not.
        any_version: on PostgreSQL, whether to open one that is not up to date: hosts of
            two versions may use it, so only `newsletter migrate` changes it.

    Raises:
        UsageError: `database_url` is malformed or names another kind of database.
        StoreError: it cannot be opened, is newer than the program, or cannot be changed
            although it has to be.
    """
    url = _url(settings)
    if postgres.is_postgres(url):
        return _open_postgres(url, settings, in_turn=in_turn, any_version=any_version)
    engine = _engine(url, settings.database_wait)
    if Path(url.database or "").parent == settings.state:
        _make_folder(settings.state)
    try:
        with reading(engine) as connection:
            version = schema_version(connection)
            journal = connection.scalar(text("PRAGMA journal_mode"))
        if version != HEAD:
            _bring_up_to_date(engine, settings)
        elif journal != "wal":
            # A copy made by VACUUM INTO. Where it may not be changed, it can still be read.
            with suppress(StoreError):
                _write_ahead(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that sees the database as it was at its first query, whoever writes.

    Raises:
        StoreError: the database refused.
    """
    with _transaction(engine, _READ) as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A connection that alone may write. All it did counts, or after an exception nothing.

    It waits for its turn at once, up to `database_wait` seconds, and so never finds half-way
    that another process has changed what it read. (A worker's engine on PostgreSQL does not
    wait: there rows are locked one by one.)

    Raises:
        StoreError: the database refused.
    """
    with _transaction(engine, _WRITE) as connection:
        yield connection


@contextmanager
def large_cache(connection: Connection) -> Iterator[None]:
    """Let SQLite remember 32 MB of the database, in place of the 2 MB that are usual.

    An import of a million people takes a third longer without it. Other work gains nothing
    by it, and would hold the memory for as long as the connection lives.
    """
    if postgres.on_postgres(connection):
        yield
        return
    # Past SQLAlchemy: by the end of the block the transaction may have been rolled back.
    driver: Any = connection.connection.driver_connection
    (usual,) = driver.execute("PRAGMA cache_size").fetchone()
    driver.execute(f"PRAGMA cache_size = -{_LARGE_CACHE}")
    try:
        yield
    finally:
        driver.execute(f"PRAGMA cache_size = {usual}")


def schema_version(connection: Connection) -> str:
    """The migration that the database has reached; empty for one that has seen none."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.scalar(text("SELECT version_num FROM alembic_version")) or ""


def shown(engine: Engine) -> str:
    """The database as messages name it."""
    url = engine.url
    if postgres.on_postgres(engine):
        return f"{url.database} on {url.host or url.query.get('host') or 'this machine'}"
    return url.database or url.render_as_string()


@contextmanager
def _transaction(engine: Engine, begin: str) -> Iterator[Connection]:
    try:
        with engine.connect() as connection:
            shared = postgres.on_postgres(engine)
            if not shared:
                connection.execution_options(**{_BEGIN: begin})
            elif begin == _READ:
                postgres.read_only(connection)
            with connection.begin():
                if shared and begin == _WRITE:
                    postgres.take_turn(connection)
                yield connection
    except SQLAlchemyError as error:
        wait = engine.get_execution_options()[_WAIT]
        raise explained(error, shown(engine), wait) from error


def _url(settings: Settings) -> URL:
    if settings.database_url is None:
        return URL.create("sqlite", database=str(settings.state / "newsletter.db"))
    try:
        url = make_url(settings.database_url)
    except (ArgumentError, ValueError) as error:
        raise UsageError(
            "database_url is not the URL of a database. Expected one such as "
            "sqlite:///var/newsletter.db, or leave it out."
        ) from error
    if url.drivername in ("postgresql", "postgresql+psycopg"):
        if not url.database:
            raise UsageError(
                "database_url names no database. Expected one such as "
                "postgresql://office@db.example.org/newsletter."
            )
        return url
    if url.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise UsageError(
            f"database_url names a database of the kind {url.drivername}. There are two: "
            "sqlite:/// and the path of a file, and postgresql://user@host/database."
        )
    if url.host or not url.database or url.database == ":memory:":
        raise UsageError(
            "database_url names no file. Expected sqlite:/// with three slashes and the path of "
            "one, such as sqlite:///var/newsletter.db."
        )
    if url.query.get("uri"):
        return url
    return url.set(database=str(settings.root / url.database))


def _open_postgres(url: URL, settings: Settings, *, in_turn: bool, any_version: bool) -> Engine:
    wait = settings.database_wait
    engine = postgres.engine_for(url, wait, in_turn=in_turn, **{_WAIT: wait})
    try:
        with reading(engine) as connection:
            version = schema_version(connection)
        if version != HEAD and not any_version:
            at = f"is at step {version}" if version else "holds nothing yet"
            raise StoreError(
                f"The database {shown(engine)} {at}; this version of the program needs step "
                f"{HEAD}. To bring it there: newsletter migrate. (If it is newer than the "
                "program, update the program.)"
            )
    except BaseException:
        engine.dispose()
        raise
    return engine


def _engine(url: URL, wait: float) -> Engine:
    try:
        with warnings.catch_warnings():
            # SQLAlchemy only warns of a `mode=ro` that would have no effect.
            warnings.simplefilter("error", SAWarning)
            engine = create_engine(
                url,
                connect_args={"timeout": wait},
                execution_options={_WAIT: wait},
            )
    except (ArgumentError, SAWarning, ValueError) as error:
        raise UsageError(
            f"database_url cannot be used: {error.args[0]} Expected sqlite:/// and the path of "
            "a file, or for SQLite's own options sqlite:///file:path?mode=ro&uri=true."
        ) from error
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: SqliteConnection, _entry: ConnectionPoolEntry) -> None:
    # Python's driver would begin transactions by itself, and late; SQLAlchemy's documented
    # way round is to switch that off and to begin them in `_begin`.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    # A mail that was marked as sent must still be marked after a power cut.
    connection.execute("PRAGMA synchronous = FULL")


def _begin(connection: Connection) -> None:
    statement = connection.get_execution_options().get(_BEGIN)
    if statement:
        connection.exec_driver_sql(statement)


def _bring_up_to_date(engine: Engine, settings: Settings) -> None:
    # Both are slow to import, and seldom needed.
    from filelock import FileLock, Timeout  # noqa: PLC0415

    from newsletter_mailer.store.migrate import migrate  # noqa: PLC0415

    _make_folder(settings.state)
    lock = settings.state / "newsletter.lock"
    with ExitStack() as held:
        try:
            held.enter_context(FileLock(lock, timeout=settings.database_wait))
        except Timeout as error:
            raise StoreError(
                f"The database {shown(engine)} is locked: another process was still bringing it "
                f"up to date after {settings.database_wait:g} seconds. Let it finish, then run "
                "the command again."
            ) from error
        except OSError as error:
            raise StoreError(
                f"{lock} cannot be written: {error.strerror}. Let this user write in its folder."
            ) from error
        _write_ahead(engine)
        migrate(engine)


def _write_ahead(engine: Engine) -> None:
    # Lets readers go on while another process writes. The file remembers it.
    with _transaction(engine, begin="") as connection:
        connection.execute(text("PRAGMA journal_mode = WAL"))


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The folder {path} cannot be made: {error.strerror}. Make it, or let this user "
            "write in the project's folder."
        ) from error
