"""Importing a CSV file of subscribers."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, bindparam, insert, select

from newsletter_mailer.audience.agency_names import AgencyNames, agency_names
from newsletter_mailer.audience.candidate import ACTIVE, UNSUBSCRIBED, Candidate, candidate
from newsletter_mailer.audience.csv_rows import Row, read_rows
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.store.engine import writing
from newsletter_mailer.store.tables import import_run, subscriber
from newsletter_mailer.store.upsert import upsert

_ROWS_AT_ONCE = 1_000
"""Rows for each question to the database: many enough to be quick, few enough to be small."""

_KNOWN = select(*(column for column in subscriber.c if column.name != "id")).where(
    subscriber.c.email_key.in_(bindparam("keys", expanding=True))
)

# The condition repeats what the import has found out already, so that no mistake in it
# can ever bring back somebody who has left.
_KEEP = upsert(
    subscriber,
    key="email_key",
    changing=("name", "agency", "role", "status", "import_id", "import_line", "changed_at"),
    only_if=subscriber.c.status == ACTIVE,
)


@dataclass(frozen=True, slots=True, order=True)
class Rejected:
    """A row that was not imported: its line, the file as it was named, and why."""

    line: int
    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


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


@dataclass(slots=True)
class _Import:
    """An import under way."""

    id: int
    file: Path
    now: dt.datetime
    agencies: AgencyNames
    counts: Counter[str] = field(default_factory=Counter)
    rejected: list[Rejected] = field(default_factory=list)

    def reject(self, line: int, reason: str, count: str = "rejected") -> None:
        self.counts[count] += 1
        self.rejected.append(Rejected(line, str(self.file), reason))


def import_subscribers(
    engine: Engine,
    path: Path,
    registry: Registry,
    *,
    now: dt.datetime,
    dry_run: bool = False,
    on_rejected: Callable[[Rejected], None],
    progress: Callable[[int], None],
) -> ImportResult:
    """Add the people in a CSV file, and bring those who are known already up to date.

    All in one transaction: after an error or an interruption nothing has changed. Memory
    does not grow with the file. A cell that is empty never erases what is known. Who has
    unsubscribed stays so, and as they were. Of rows with the same address the first counts.

    Args:
        engine: the database.
        path: the file, as messages shall name it.
        registry: the agencies that rows may name.
        now: the moment to write down, with its zone.
        dry_run: do everything, and then take it back.
        on_rejected: is told each row that was not imported, in the order of lines.
        progress: is told from time to time how many rows have been read.

    Raises:
        AudienceError: the file cannot be read as subscribers.
        StoreError: the database refused.
    """
    with closing(read_rows(path)) as rows:
        # A file that cannot be read shall say so without waiting for the database.
        first = next(rows)
        with writing(engine) as connection:
            run = _begin(connection, path, now, agency_names(registry))
            for batch in _batches(chain([first], rows)):
                _take(connection, run, batch)
                for rejected in sorted(run.rejected):
                    on_rejected(rejected)
                run.rejected.clear()
                progress(run.counts["read"])
            if dry_run:
                connection.rollback()
    return ImportResult(**run.counts)


def _begin(connection: Connection, file: Path, now: dt.datetime, agencies: AgencyNames) -> _Import:
    statement = insert(import_run).values(file_name=file.name, started_at=now)
    id_ = connection.execute(statement.returning(import_run.c.id)).scalar_one()
    return _Import(id_, file, now, agencies)


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        yield batch


def _take(connection: Connection, run: _Import, rows: list[Row]) -> None:
    """Bring one batch of rows into the database."""
    run.counts["read"] += len(rows)
    people = []
    for row in rows:
        try:
            people.append(candidate(row, run.agencies))
        except ValueError as error:
            run.reject(row.line, str(error))
    if not people:
        return
    records = connection.execute(_KNOWN, {"keys": [person.key for person in people]})
    known = {record["email_key"]: record for record in records.mappings()}
    values = list(_changes(run, people, known))
    if values:
        connection.execute(_KEEP, values)


def _changes(
    run: _Import, people: Iterable[Candidate], known: dict[str, RowMapping]
) -> Iterator[dict[str, Any]]:
    """What to write for these people, whose records so far are in `known`.

    A record that this import has written names the import and the line; so the database
    itself remembers which addresses the file has had.
    """
    lines: dict[str, int] = {}
    for person in people:
        record = known.get(person.key)
        if record and record["status"] == UNSUBSCRIBED and record["import_id"] != run.id:
            run.counts["kept_unsubscribed"] += 1
            continue
        earlier = lines.setdefault(person.key, person.line)
        if record and record["import_id"] == run.id:
            earlier = record["import_line"]
        if earlier != person.line:
            run.reject(
                person.line,
                f"{person.email} stands on line {earlier} already, and that row counts; "
                "delete one of the two",
                "duplicates",
            )
            continue
        yield _added(run, person) if record is None else _updated(run, person, record)


def _added(run: _Import, person: Candidate) -> dict[str, Any]:
    run.counts["added"] += 1
    return {
        "email": person.email,
        "email_key": person.key,
        "name": person.name,
        "agency": person.agency or run.agencies.default,
        "role": person.role,
        "status": person.status or ACTIVE,
        "source": f"import {run.id}: {run.file.name}",
        "import_id": run.id,
        "import_line": person.line,
        "created_at": run.now,
        "changed_at": run.now,
    }


def _updated(run: _Import, person: Candidate, record: RowMapping) -> dict[str, Any]:
    before = {name: record[name] for name in ("name", "agency", "role", "status")}
    after = {name: getattr(person, name) or value for name, value in before.items()}
    changed = after != before
    run.counts["updated" if changed else "unchanged"] += 1
    return {
        **record,
        **after,
        "import_id": run.id,
        "import_line": person.line,
        "changed_at": run.now if changed else record["changed_at"],
    }
