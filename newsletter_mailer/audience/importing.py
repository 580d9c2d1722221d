"""Importing a CSV file of subscribers."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, insert, select, update
from sqlalchemy import Row as Record

from newsletter_mailer.audience.agency_names import AgencyNames, agency_names
from newsletter_mailer.audience.candidate import ACTIVE, UNSUBSCRIBED, Candidate, candidate
from newsletter_mailer.audience.csv_rows import Row, read_rows
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.store.engine import writing
from newsletter_mailer.store.tables import import_run, subscriber
from newsletter_mailer.store.upsert import upsert

_ROWS_AT_ONCE = 1_000
"""Rows for each question to the database: many enough to be quick, few enough to be small."""

# Not all columns: a million moments take their time to read.
_KNOWN = select(
    subscriber.c.id,
    subscriber.c.email_key,
    subscriber.c.name,
    subscriber.c.agency,
    subscriber.c.role,
    subscriber.c.status,
    subscriber.c.import_id,
    subscriber.c.import_line,
).where(subscriber.c.email_key.in_(bindparam("keys", expanding=True)))
_STARTED = select(import_run.c.started_at).where(import_run.c.id == bindparam("import_id"))

# The condition repeats what the import has found out already, so that no mistake in it
# can ever bring back somebody who has left.
_KEEP = upsert(
    subscriber,
    values={
        "email": bindparam("email"),
        "email_key": bindparam("email_key"),
        "name": bindparam("name"),
        "agency": bindparam("agency"),
        "role": bindparam("role"),
        "status": bindparam("status"),
        "source": bindparam("source"),
        "import_id": bindparam("import_id"),
        "import_line": bindparam("import_line"),
        "created_at": _STARTED.scalar_subquery(),
        "changed_at": _STARTED.scalar_subquery(),
    },
    key="email_key",
    changing=("name", "agency", "role", "status", "import_id", "import_line", "changed_at"),
    only_if=subscriber.c.status == ACTIVE,
)

_SEEN = (
    update(subscriber)
    .where(subscriber.c.id == bindparam("seen"))
    .values(import_id=bindparam("by"), import_line=bindparam("at"))
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
    source: str
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
    return _Import(id_, file, f"import {id_}: {file.name}", agencies)


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
    known = {record.email_key: record for record in records}
    keep: list[dict[str, str | int]] = []
    seen: list[dict[str, int]] = []
    for person in _first_of_each(run, people, known):
        record = known.get(person.key)
        changed = _kept(run, person, record)
        if changed:
            keep.append(changed)
        elif record:
            seen.append({"seen": record.id, "by": run.id, "at": person.line})
    if keep:
        connection.execute(_KEEP, keep)
    if seen:
        connection.execute(_SEEN, seen)


def _first_of_each(
    run: _Import, people: Iterable[Candidate], known: dict[str, Record[Any]]
) -> Iterator[Candidate]:
    """These people without those who have left, and without an address's second row.

    A record that this import has written or seen names the import and the line; so the
    database itself remembers which addresses the file has had.
    """
    lines: dict[str, int] = {}
    for person in people:
        record = known.get(person.key)
        ours = record is not None and record.import_id == run.id
        if record and record.status == UNSUBSCRIBED and not ours:
            run.counts["kept_unsubscribed"] += 1
            continue
        earlier = record.import_line if record and ours else lines.get(person.key)
        if earlier is None:
            lines[person.key] = person.line
            yield person
        else:
            run.reject(
                person.line,
                f"{person.email} stands on line {earlier} already, and that row counts; "
                "delete one of the two",
                "duplicates",
            )


def _kept(
    run: _Import, person: Candidate, record: Record[Any] | None
) -> dict[str, str | int] | None:
    """What to write for a person; None where the record says it all already."""
    if record is None:
        run.counts["added"] += 1
        details = (person.name, person.agency or run.agencies.default, person.role)
        status = person.status or ACTIVE
    else:
        before = (record.name, record.agency, record.role)
        details = (
            person.name or record.name,
            person.agency or record.agency,
            person.role or record.role,
        )
        status = person.status or record.status
        if details == before and status == record.status:
            run.counts["unchanged"] += 1
            return None
        run.counts["updated"] += 1
    name, agency, role = details
    return {
        "email": person.email,
        "email_key": person.key,
        "name": name,
        "agency": agency,
        "role": role,
        "status": status,
        "source": run.source,
        "import_id": run.id,
        "import_line": person.line,
    }
