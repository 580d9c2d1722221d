"""The database, looked at without changing it."""

import datetime as dt
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import (
    Column,
    Connection,
    Text,
    create_engine,
    func,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from newsletter_mailer.doctor.diagnosis import Diagnosis, failing, fine, warning
from newsletter_mailer.errors import NewsletterError
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.engine import open_store, schema_version
from newsletter_mailer.store.failures import explained
from newsletter_mailer.store.migrations import HEAD
from newsletter_mailer.store.tables import (
    UtcTime,
    campaign_image,
    metadata,
    subscriber,
    variant,
)

NAME = "database"

_WAIT = 3.0
"""Seconds to wait for another process that holds the database."""

_LARGEST = 256 * 2**20
"""Bytes up to which the whole file is checked: that takes about a second."""

_BASE64 = 1.37
"""Bytes of a message for one of a picture: four for three, and the ends of lines."""

_HAPPENED = {
    *("changed_at", "created_at", "finished_at", "frozen_at", "settled_at", "since", "started_at"),
}
"""Columns whose times have passed when they are written; others may lie ahead."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen: the diagnoses, active subscribers, the largest mail, the newest time."""

    diagnoses: tuple[Diagnosis, ...]
    people: int = 0
    mail: int | None = None
    newest: dt.datetime | None = None


def look(settings: Settings) -> Looked:
    """The state of the database. Nothing is made, and nothing brought up to date."""
    path = _file(settings)
    if path is None:
        return _opened(settings)
    if not os.access(path, os.F_OK):
        return Looked((fine(NAME, f"{path} is not there yet; the first command makes it"),))
    if path.is_dir():
        return Looked((failing(NAME, f"{path} is a folder.", "Name a file in database_url."),))
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro", uri=True, timeout=_WAIT
        ),
        poolclass=NullPool,
    )
    try:
        with engine.connect() as connection:
            return _seen(connection, path)
    except SQLAlchemyError as error:
        return Looked((failing(NAME, str(explained(error, str(path), _WAIT))),))
    finally:
        engine.dispose()


def _file(settings: Settings) -> Path | None:
    """The file of the database; None where the address names none, or a special one."""
    if settings.database_url is None:
        return settings.state / "newsletter.db"
    try:
        url = make_url(settings.database_url)
    except (ArgumentError, ValueError):
        return None
    plain = url.get_backend_name() == "sqlite" and not url.query and not url.host
    if not plain or url.database in {None, "", ":memory:"}:
        return None
    return settings.root / str(url.database)


def _opened(settings: Settings) -> Looked:
    """The state of a database that only the store itself can open, which brings it up to date."""
    try:
        engine = open_store(settings)
    except NewsletterError as error:
        return Looked((failing(NAME, str(error)),))
    try:
        with engine.connect() as connection:
            return _seen(connection, None)
    except SQLAlchemyError as error:
        return Looked((failing(NAME, str(explained(error, "of the settings", _WAIT))),))
    finally:
        engine.dispose()


def _seen(connection: Connection, path: Path | None) -> Looked:
    """What an open database holds. `path` is its file, where that is known."""
    shown = str(path) if path else "The database"
    version = schema_version(connection)
    present = inspect(connection)
    tables = set(present.get_table_names())
    if not version and tables - {"alembic_version"}:
        return Looked(
            (
                failing(
                    NAME,
                    f"{shown} holds tables, but not this program's.",
                    "Name another file in NEWSLETTER_DATABASE_URL, or move this one away.",
                ),
            )
        )
    diagnoses = [_whole(connection, path), _migrations(version)]
    if path and not _writable(path):
        diagnoses.append(
            failing(
                NAME,
                f"This user may not write {path}.",
                "Change the permissions of the file and its folder, or run as who owns them.",
            )
        )
    times = [
        column
        for table in metadata.sorted_tables
        if table.name in tables
        for column in table.columns
        if column.name in _HAPPENED
        and isinstance(column.type, UtcTime)
        and column.name in {each["name"] for each in present.get_columns(table.name)}
    ]
    return Looked(
        tuple(diagnoses),
        people=_people(connection) if "subscriber" in tables else 0,
        mail=_largest_mail(connection) if {"variant", "campaign_image"} <= tables else None,
        newest=_newest(connection, times),
    )


def _whole(connection: Connection, path: Path | None) -> Diagnosis:
    if path is None:
        return fine(NAME, "it opens")
    size = path.stat().st_size
    if size > _LARGEST:
        return fine(NAME, f"{path} opens; at {size / 2**20:,.0f} MB it was not checked throughout")
    found = connection.scalar(text("PRAGMA quick_check(1)"))
    if found != "ok":
        return failing(
            NAME,
            f"{path} is damaged: {str(found).splitlines()[-1]}.",
            "Restore a backup before you send, or the ledger cannot be trusted.",
        )
    return fine(NAME, f"{path} is whole")


def _migrations(version: str) -> Diagnosis:
    name = "migrations"
    if version == HEAD:
        return fine(name, f"at step {HEAD}, the newest")
    if not version:
        return fine(name, f"none was taken yet; the first command takes all, up to {HEAD}")
    if version.isdigit() and version < HEAD:
        return warning(
            name,
            f"The database is at step {version}; this version of the program needs {HEAD}.",
            "Make a backup. The next command that uses the database brings it up to date.",
        )
    return failing(
        name,
        f"The database is at step {version}, which this version of the program does not know; "
        f"its newest is {HEAD}.",
        "A newer version has used the database: update the program.",
    )


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)


def _people(connection: Connection) -> int:
    active = select(func.count()).select_from(subscriber).where(subscriber.c.status == "active")
    return connection.scalar(active) or 0


def _largest_mail(connection: Connection) -> int | None:
    """About how many bytes the largest frozen mail has; None where none was frozen.

    Its texts are stored as JSON, whose escapes take about what quoted-printable adds.
    Every picture of its campaign is counted, in base64.
    """
    both = func.length(variant.c.html.cast(Text)) + func.length(variant.c.text.cast(Text))
    texts = select(variant.c.campaign_id, func.max(both)).group_by(variant.c.campaign_id)
    picture = campaign_image.c
    pictures = select(picture.campaign_id, func.sum(func.length(picture.content)))
    shown = dict(iter(connection.execute(pictures.group_by(picture.campaign_id))))
    return max(
        (
            size + int(shown.get(campaign, 0) * _BASE64)
            for campaign, size in connection.execute(texts)
        ),
        default=None,
    )


def _newest(connection: Connection, times: list[Column[dt.datetime]]) -> dt.datetime | None:
    found = [connection.scalar(select(func.max(column))) for column in times]
    return max((time for time in found if time is not None), default=None)
