"""Importing a CSV file of subscribers."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from sqlalchemy import Connection, Engine, insert

from newsletter_mailer.audience.agency_names import AgencyNames, agency_names
from newsletter_mailer.audience.csv_rows import Row, read_rows
from newsletter_mailer.audience.merging import Change, Import, Rejected, take
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.store.engine import large_cache, writing
from newsletter_mailer.store.tables import import_run

__all__ = ["Change", "ImportResult", "Rejected", "import_subscribers"]

_ROWS_AT_ONCE = 1_000
"""Rows for each question to the database: many enough to be quick, few enough to be small."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of the rows: `read` of them in all, each counted under one other name."""

    read: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    kept_unsubscribed: int = 0
    duplicates: int = 0
    rejected: int = 0
    kept_erased: int = 0


def import_subscribers(
    engine: Engine,
    path: Path,
    registry: Registry,
    *,
    now: dt.datetime,
    dry_run: bool = False,
    on_rejected: Callable[[Rejected], None],
    progress: Callable[[int], None],
    on_change: Callable[[Change], None] | None = None,
    keys: Sequence[str] = (),
    by: str = "office",
) -> ImportResult:
    """Add the people in a CSV file, and bring those who are known already up to date.

    All in one transaction: after an error or an interruption nothing has changed. Memory
    does not grow with the file. A cell that is empty never erases what is known. Who has
    unsubscribed stays so, and as they were. Of rows with the same address the first counts.
    A column `status`, as an export has, can unsubscribe people but never bring them back.
    Who left and was erased is known again by the signing keys, and not added.

    Args:
        engine: the database.
        path: the file, as messages shall name it.
        registry: the agencies that rows may name.
        now: the moment to write down, with its zone.
        dry_run: do everything, and then take it back.
        on_rejected: is told each row that was not imported, in the order of lines.
        progress: is told from time to time how many rows have been read.
        on_change: is told each row that adds or changes somebody.
        keys: the signing keys, the one in use first.
        by: who imports, for the audit trail.

    Raises:
        AudienceError: the file cannot be read as subscribers.
        StoreError: the database refused.
    """
    with closing(read_rows(path)) as rows:
        # A file that cannot be read shall say so without waiting for the database.
        first = next(rows)
        with writing(engine) as connection, large_cache(connection):
            run = _begin(connection, path, now, agency_names(registry))
            run.keys, run.by = keys, by
            for batch in _batches(chain([first], rows)):
                take(connection, run, batch)
                for rejected in sorted(run.rejected):
                    on_rejected(rejected)
                run.rejected.clear()
                if on_change:
                    for change in run.changes:
                        on_change(change)
                run.changes.clear()
                progress(run.counts["read"])
            if dry_run:
                connection.rollback()
    return ImportResult(**run.counts)


def _begin(connection: Connection, file: Path, now: dt.datetime, agencies: AgencyNames) -> Import:
    statement = insert(import_run).values(file_name=file.name, started_at=now)
    id_ = connection.execute(statement.returning(import_run.c.id)).scalar_one()
    return Import(id_, file, f"import {id_}: {file.name}", agencies, now)


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        yield batch
