"""The database: its schema, its migrations, and what happens when it refuses."""

import datetime as dt
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, Row, create_engine, delete, func, insert, select, text

from newsletter_mailer.errors import StoreError, UsageError
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.engine import open_store, reading, schema_version, writing
from newsletter_mailer.store.migrate import configuration
from newsletter_mailer.store.migrations import HEAD
from newsletter_mailer.store.tables import campaign, delivery, import_run, metadata, subscriber
from tests.ledgers import settings_for

NOW = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)

OPEN_IN_A_PROCESS = """
import pathlib, sys, time
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.engine import open_store, reading, schema_version

root = pathlib.Path(sys.argv[1])
settings = Settings(
    root=root,
    base_url="https://newsletter.example.org",
    office={
        "name": "Office", "address": ["1 High Street"], "phone": "0116 000 0000",
        "email": "office@example.org", "website": "https://office.example.org/",
    },
    sender={"name": "Office", "address": "office@example.org"},
)
(root / f"ready-{sys.argv[2]}").touch()
while not (root / "go").exists():
    time.sleep(0.001)
engine = open_store(settings)
with reading(engine) as connection:
    print(schema_version(connection), connection.exec_driver_sql("PRAGMA journal_mode").scalar())
engine.dispose()
"""


def _settings(root: Path, database_url: str | None = None, wait: float = 30) -> Settings:
    return settings_for(root).model_copy(
        update={"database_url": database_url, "database_wait": wait}
    )


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """The database of a fresh project, which waits a fifth of a second for its turn."""
    engine = open_store(_settings(tmp_path, wait=0.2))
    yield engine
    engine.dispose()


def _file(root: Path) -> Path:
    return root / "var" / "newsletter.db"


def _read_only(path: Path) -> str:
    return f"sqlite:///file:{path}?mode=ro&uri=true"


def _schema(connection: Connection) -> dict[str, list[str]]:
    """What defines each table and index, apart from the order of its columns and constraints."""
    statement = text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {
        name: sorted(" ".join(part.split()) for part in _parts(sql))
        for name, sql in connection.execute(statement)
        if name not in ("alembic_version", "sqlite_sequence")
    }


def _parts(sql: str) -> list[str]:
    """What stands before the outer brackets of a statement, and between the commas in them."""
    before, _, rest = sql.rstrip().removesuffix(")").partition("(")
    parts, depth = [before, ""], 0
    for letter in rest:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _add(connection: Connection, email: str) -> int:
    statement = insert(subscriber).values(
        email=email,
        email_key=email,
        agency="gp",
        status="active",
        source="test",
        created_at=NOW,
        changed_at=NOW,
    )
    id_: int = connection.execute(statement.returning(subscriber.c.id)).scalar_one()
    return id_


def _campaign(connection: Connection) -> Row[*tuple[Any, ...]]:
    statement = insert(campaign).values(
        name="06-winter",
        issue="06-winter",
        number=6,
        title="Winter",
        state="sending",
        token="0123abcd",  # noqa: S106 - names a campaign in links, and opens nothing
        content_hash="4567",
        transport="outbox",
        sender_name="Office",
        sender_address="office@example.org",
        greeting={},
        frozen_at=NOW,
    )
    return connection.execute(statement.returning(campaign)).one()


def _delivery(campaign_id: int, subscriber_id: int) -> dict[str, int | str]:
    return {
        "campaign_id": campaign_id,
        "subscriber_id": subscriber_id,
        "batch": 1,
        "variant": "gp",
        "email": "a@example.org",
        "name": "",
        "agency": "gp",
        "status": "sent",
    }


def _count(engine: Engine) -> int:
    with reading(engine) as connection:
        return connection.scalar(select(func.count()).select_from(subscriber)) or 0


def test_migrations_arrive_at_the_tables(engine: Engine) -> None:
    """The migrations make what tables.py says, to the letter of each column and constraint."""
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        migrated = _schema(connection)
    fresh = create_engine("sqlite://")
    with fresh.begin() as connection:
        metadata.create_all(connection)
        assert _schema(connection) == migrated
    fresh.dispose()


def test_head_is_the_newest_migration(engine: Engine) -> None:
    """The constant that spares us Alembic names the newest migration there is."""
    with reading(engine) as connection:
        script = ScriptDirectory.from_config(configuration(connection))
        assert script.get_heads() == [HEAD]
        assert schema_version(connection) == HEAD


def test_migrations_can_be_taken_back_and_again(engine: Engine, tmp_path: Path) -> None:
    """Downgrading leaves no table behind, and the next opening makes them all again."""
    with writing(engine) as connection:
        command.downgrade(configuration(connection), "base")
    with reading(engine) as connection:
        assert _schema(connection) == {}
    again = open_store(_settings(tmp_path))
    assert _count(again) == 0
    again.dispose()


def test_an_up_to_date_database_is_opened_without_alembic(engine: Engine, tmp_path: Path) -> None:
    """Alembic, slow to import, is not imported where there is nothing to migrate."""
    script = f"{OPEN_IN_A_PROCESS}\nassert 'alembic' not in sys.modules"
    (tmp_path / "go").touch()
    subprocess.run([sys.executable, "-c", script, str(tmp_path), "1"], check=True)
    assert _count(engine) == 0


def test_processes_that_open_a_fresh_database_at_once(tmp_path: Path) -> None:
    """Four processes that find no database all end up with one of the newest schema."""
    names = ["1", "2", "3", "4"]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN_IN_A_PROCESS, str(tmp_path), name],
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    while not all((tmp_path / f"ready-{name}").exists() for name in names):
        assert all(process.poll() is None for process in processes)
        time.sleep(0.01)
    (tmp_path / "go").touch()
    answers = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert answers == [f"{HEAD} wal"] * 4


def test_connections_are_set_up_to_keep_what_they_are_told(engine: Engine) -> None:
    """Write-ahead log, full synchronisation, foreign keys and the time to wait are set."""
    with reading(engine) as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 200,
    }


def test_a_reader_sees_one_moment(engine: Engine) -> None:
    """What another connection commits meanwhile does not change what a reader sees."""
    with reading(engine) as reader:
        count = select(func.count()).select_from(subscriber)
        assert reader.scalar(count) == 0
        with writing(engine) as writer:
            _add(writer, "a@example.org")
        assert reader.scalar(count) == 0
    assert _count(engine) == 1


def test_an_exception_takes_everything_back(engine: Engine) -> None:
    """After an exception, nothing that was written before it remains."""

    def fail() -> None:
        with writing(engine) as connection:
            _add(connection, "a@example.org")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert _count(engine) == 0


def test_a_second_writer_waits_for_the_first(tmp_path: Path) -> None:
    """Two writers that overlap both succeed, one after the other."""
    engine = open_store(_settings(tmp_path, wait=20))
    holding = threading.Event()

    def hold() -> None:
        with writing(engine) as connection:
            holding.set()
            _add(connection, "first@example.org")
            threading.Event().wait(0.3)

    thread = threading.Thread(target=hold)
    thread.start()
    assert holding.wait(10)
    with writing(engine) as connection:
        _add(connection, "second@example.org")
    thread.join()
    with reading(engine) as connection:
        emails = connection.scalars(select(subscriber.c.email).order_by(subscriber.c.id)).all()
    engine.dispose()
    assert emails == ["first@example.org", "second@example.org"]


def test_a_locked_database_is_explained(engine: Engine, tmp_path: Path) -> None:
    """Where another process goes on writing, the error says so, and for how long we waited."""
    other = sqlite3.connect(_file(tmp_path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError) as caught, writing(engine):
        pass
    other.close()
    message = str(caught.value)
    assert str(_file(tmp_path)) in message
    assert "is locked: another process was still writing to it after 0.2 seconds" in message
    assert "\n" not in message


def test_a_read_only_database_can_be_read(engine: Engine, tmp_path: Path) -> None:
    """A database that may not be written opens and is read; writing to it is explained."""
    with writing(engine) as connection:
        _add(connection, "a@example.org")
    read_only = open_store(_settings(tmp_path, _read_only(_file(tmp_path))))
    assert _count(read_only) == 1
    refusal = "is read-only: its file or folder"
    with pytest.raises(StoreError, match=refusal), writing(read_only) as connection:
        _add(connection, "b@example.org")
    read_only.dispose()


def test_a_read_only_database_that_is_behind_is_explained(tmp_path: Path) -> None:
    """A database that would have to be changed to be used, but may not be, says that."""
    path = tmp_path / "empty.db"
    path.touch()
    with pytest.raises(StoreError, match="is read-only"):
        open_store(_settings(tmp_path, _read_only(path)))


def test_a_copy_gets_its_write_ahead_log_back(engine: Engine, tmp_path: Path) -> None:
    """A copy made by VACUUM INTO, which has none, is given one; read-only, it is just read."""
    copy = tmp_path / "copy.db"
    other = sqlite3.connect(_file(tmp_path), isolation_level=None)
    other.execute("VACUUM INTO ?", [str(copy)])
    other.close()
    modes = []
    for url in (_read_only(copy), f"sqlite:///{copy}"):
        opened = open_store(_settings(tmp_path, url))
        with reading(opened) as connection:
            modes.append(connection.exec_driver_sql("PRAGMA journal_mode").scalar())
        opened.dispose()
    assert modes == ["delete", "wal"]
    assert _count(engine) == 0


@pytest.mark.parametrize("content", [b"This is a letter, not a database.\n" * 99, b"\0" * 4096])
def test_a_file_that_is_no_database_is_explained(tmp_path: Path, content: bytes) -> None:
    """Some other file in the database's place is refused, and stays as it is."""
    _file(tmp_path).parent.mkdir()
    _file(tmp_path).write_bytes(content)
    with pytest.raises(StoreError, match=r"newsletter\.db is damaged, or is not an SQLite"):
        open_store(_settings(tmp_path))
    assert _file(tmp_path).read_bytes() == content


def test_a_damaged_database_is_explained(engine: Engine, tmp_path: Path) -> None:
    """A database whose pages were overwritten is called damaged, without a traceback."""
    with writing(engine) as connection:
        for number in range(500):
            _add(connection, f"reader{number}@example.org")
    engine.dispose()
    size = _file(tmp_path).stat().st_size
    with _file(tmp_path).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))
    with pytest.raises(StoreError, match="is damaged"):
        open_store(_settings(tmp_path))


def test_a_newer_database_is_left_alone(engine: Engine, tmp_path: Path) -> None:
    """A database that a newer version has used asks for an update of the program."""
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"at step 9999, .* update the program"):
        open_store(_settings(tmp_path))


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    """A database with other tables is not filled with ours."""
    path = tmp_path / "accounts.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE account (id INTEGER)")
    other.close()
    with pytest.raises(StoreError, match="holds tables, but not this program's"):
        open_store(_settings(tmp_path, f"sqlite:///{path}"))


def test_a_full_disk_is_explained(engine: Engine) -> None:
    """When no page can be had any more, the error says so, and nothing is half-written."""

    def fill() -> None:
        with writing(engine) as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")
            for number in range(10_000):
                _add(connection, f"reader{number}@example.org")

    with pytest.raises(StoreError, match="the disk is full"):
        fill()
    assert _count(engine) == 0


def test_an_unforeseen_error_is_one_sentence(engine: Engine) -> None:
    """Anything else that the database refuses is a StoreError that names the reason."""
    reason = "not expected: no such table: nowhere"
    with pytest.raises(StoreError, match=reason), reading(engine) as connection:
        connection.execute(text("SELECT * FROM nowhere"))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("newsletter.db", "not the URL of a database"),
        ("mysql://office@localhost/newsletter", "of the kind mysql. There are two"),
        ("postgresql://office@localhost", "names no database"),
        ("sqlite+aiosqlite:///newsletter.db", "of the kind sqlite"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite://var/newsletter.db", "with three slashes"),
        ("sqlite:///newsletter.db?mode=ro", "sqlite:///file:path"),
        ("sqlite:///newsletter.db?timeout=long", "cannot be used"),
    ],
)
def test_a_wrong_database_url_is_explained(tmp_path: Path, url: str, message: str) -> None:
    """Each URL that cannot be used is wrong usage, and the message shows a right one."""
    with pytest.raises(UsageError, match=message) as caught:
        open_store(_settings(tmp_path, url))
    assert "sqlite:///" in str(caught.value) or "postgresql://" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_relative_path_counts_from_the_project(tmp_path: Path) -> None:
    """A relative path lies in the project, wherever the command is run; var/ is made for it."""
    for path in ("data.db", "var/data.db"):
        open_store(_settings(tmp_path, f"sqlite:///{path}")).dispose()
        assert (tmp_path / path).is_file()


@pytest.mark.parametrize("name", ["missing/newsletter.db", "folder"])
def test_a_path_that_cannot_be_opened_is_explained(tmp_path: Path, name: str) -> None:
    """A missing folder, or a folder in the file's place, is named with what to check."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError, match=r"cannot be opened\. Check that its folder exists"):
        open_store(_settings(tmp_path, f"sqlite:///{tmp_path / name}"))


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    """A file called var in the project's folder is named as what is in the way."""
    (tmp_path / "var").touch()
    with pytest.raises(StoreError, match="var cannot be made"):
        open_store(_settings(tmp_path))


def test_moments_come_back_as_they_were(engine: Engine) -> None:
    """A moment in any time zone comes back as the same moment, in UTC; None stays None."""
    summer = dt.datetime(2026, 7, 1, 12, 0, tzinfo=ZoneInfo("Europe/London"))
    with writing(engine) as connection:
        connection.execute(insert(import_run).values(file_name="a.csv", started_at=summer))
        found = connection.scalar(select(import_run.c.started_at))
        assert found == summer
        assert found is not None
        assert found.isoformat() == "2026-07-01T11:00:00+00:00"
        assert _campaign(connection).finished_at is None


def test_a_moment_without_a_zone_is_refused(engine: Engine) -> None:
    """A time of which nobody can tell which moment it is does not get into the database."""
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(StoreError, match="has no time zone"), writing(engine) as connection:
        connection.execute(insert(import_run).values(file_name="a.csv", started_at=naive))


def test_an_erased_persons_number_is_not_given_out_again(engine: Engine) -> None:
    """Whoever comes after an erased person gets a new number, and so a ledger of their own."""
    with writing(engine) as connection:
        first = _add(connection, "a@example.org")
        connection.execute(delete(subscriber))
        assert _add(connection, "b@example.org") > first


def test_the_ledger_outlives_a_person(engine: Engine) -> None:
    """A delivery stays when its subscriber is erased. At first it has no attempts, no error."""
    with writing(engine) as connection:
        campaign_id = _campaign(connection).id
        person = _add(connection, "a@example.org")
        connection.execute(insert(delivery).values(_delivery(campaign_id, person)))
        connection.execute(delete(subscriber))
        found = connection.execute(select(delivery)).one()
    assert (found.subscriber_id, found.attempts, found.error) == (person, 0, "")
    assert found.settled_at is None


def test_the_ledger_needs_its_campaign(engine: Engine) -> None:
    """A delivery of a campaign that does not exist is refused, as are unknown states."""
    with pytest.raises(StoreError, match="FOREIGN KEY"), writing(engine) as connection:
        connection.execute(insert(delivery).values(_delivery(1, 1)))
    with writing(engine) as connection:
        lost = _delivery(_campaign(connection).id, 1) | {"status": "lost"}
    with pytest.raises(StoreError, match="ck_delivery_status"), writing(engine) as connection:
        connection.execute(insert(delivery).values(lost))


def test_an_older_database_keeps_its_people_and_campaigns(tmp_path: Path) -> None:
    """Brought up to date from step 3, all rows are there, and no number is given out again."""
    engine = open_store(_settings(tmp_path))
    with writing(engine) as connection:
        command.downgrade(configuration(connection), "base")
    with writing(engine) as connection:
        command.upgrade(configuration(connection), "0003")
        connection.exec_driver_sql(
            "INSERT INTO subscriber (id, email, email_key, agency, status, source, created_at, "
            "changed_at) VALUES (7, 'a@example.org', 'a@example.org', 'gp', 'active', 'test', "
            "'2026-03-01', '2026-03-01'), (9, 'b@example.org', 'b@example.org', 'gp', "
            "'unsubscribed', 'test', '2026-03-01', '2026-03-01')"
        )
        connection.exec_driver_sql("DELETE FROM subscriber WHERE id = 9")
        connection.exec_driver_sql(
            "INSERT INTO campaign (id, issue, number, title, state, token, content_hash, "
            "transport, sender_name, sender_address, greeting, frozen_at) VALUES (3, '06-winter', "
            "6, 'Winter', 'sending', 't', 'h', 'outbox', 'Office', 'office@example.org', '{}', "
            "'2026-03-01')"
        )
        connection.exec_driver_sql(
            "INSERT INTO delivery (campaign_id, subscriber_id, batch, variant, email, name, "
            "agency, status) VALUES (3, 7, 1, 'gp', 'a@example.org', '', 'gp', 'sent')"
        )
    engine.dispose()
    engine = open_store(_settings(tmp_path))
    with writing(engine) as connection:
        assert schema_version(connection) == HEAD
        assert [tuple(row) for row in connection.execute(select(subscriber.c.id))] == [(7,)]
        row = connection.execute(select(campaign)).one()
        assert (row.id, row.name, row.issue) == (3, "06-winter", "06-winter")
        assert connection.execute(select(delivery.c.status)).scalars().all() == ["sent"]
        assert _add(connection, "c@example.org") == 10
    engine.dispose()


def test_tables_that_are_made_anew_keep_their_rows(tmp_path: Path) -> None:
    """Brought up to date from step 10, deliveries and what was tracked are all still there."""
    rows = {
        "delivery": "3, 7, 1, 'gp', 'a@example.org', '', 'gp', 'sent', 2, 4, NULL, '250', '', "
        "'ab1', '2026-03-01 09:30:00', 5",
        "feedback": "3, 7, 'soft_bounced', '4.2.2', 'full', '2026-03-01', '2026-03-02'",
        "opened": "3, 7, 'human', 'a rule', '2026-03-01'",
        "clicked": "3, 7, 2, 'proxied', 'a rule', '2026-03-01'",
        "reach_total": "3, 'gp', -1, 'unknown', '2026-03-01', 12",
    }
    engine = open_store(_settings(tmp_path))
    with reading(engine) as connection:
        newest = _schema(connection)
    with writing(engine) as connection:
        command.downgrade(configuration(connection), "0010")
        _campaign(connection)
        connection.exec_driver_sql("UPDATE campaign SET id = 3")
        for table, values in rows.items():
            connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({values})")  # noqa: S608
        older = _schema(connection)
        before = _rows(connection, *rows)
    engine.dispose()
    assert "IN ('sent', 'sending'" in str(older["delivery"])
    engine = open_store(_settings(tmp_path))
    with reading(engine) as connection:
        assert _schema(connection) == newest
        assert _rows(connection, *rows) == before
    for table, column in (("delivery", "status"), ("feedback", "state"), ("opened", "class")):
        statement = f"UPDATE {table} SET {column} = 'lost'"  # noqa: S608
        with pytest.raises(StoreError, match=f"ck_{table}_"), writing(engine) as connection:
            connection.exec_driver_sql(statement)
    engine.dispose()


def _rows(connection: Connection, *tables: str) -> list[tuple[object, ...]]:
    """All rows of these tables."""
    return [
        tuple(row)
        for table in tables
        for row in connection.exec_driver_sql(f"SELECT '{table}', * FROM {table}")  # noqa: S608
    ]


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("delivery", "status"),
        ("feedback", "state"),
        ("opened", "class"),
        ("clicked", "class"),
        ("reach_total", "class"),
    ],
)
def test_checks_of_many_rows_are_quick(engine: Engine, table: str, column: str) -> None:
    """SQLite makes no table of the allowed words at each row, as it would for `IN`."""
    insert_one = f"EXPLAIN INSERT INTO {table} ({column}) VALUES ('sent')"  # noqa: S608
    with reading(engine) as connection:
        steps = [row.opcode for row in connection.exec_driver_sql(insert_one)]
    assert "Eq" in steps
    assert "OpenEphemeral" not in steps
