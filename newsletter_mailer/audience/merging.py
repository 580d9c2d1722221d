"""Bringing the rows of an import into the table of subscribers, a batch at a time."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy import Row as Record

from newsletter_mailer.audience.agency_names import AgencyNames
from newsletter_mailer.audience.candidate import Candidate, candidate
from newsletter_mailer.audience.csv_rows import Row
from newsletter_mailer.audience.subscriber import ACTIVE, UNSUBSCRIBED
from newsletter_mailer.store.tables import import_run, subscriber
from newsletter_mailer.store.upsert import upsert

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert

_Record = Record[*tuple[Any, ...]]

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


@dataclass(slots=True)
class Import:
    """An import under way."""

    id: int
    file: Path
    source: str
    agencies: AgencyNames
    counts: Counter[str] = field(default_factory=Counter)
    rejected: list[Rejected] = field(default_factory=list)

    def reject(self, line: int, reason: str, count: str = "rejected") -> None:
        """Leave out the row on this line, counted under `count`."""
        self.counts[count] += 1
        self.rejected.append(Rejected(line, str(self.file), reason))


def take(connection: Connection, run: Import, rows: list[Row]) -> None:
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
        connection.execute(_keep(), keep)
    if seen:
        connection.execute(_SEEN, seen)


def _first_of_each(
    run: Import, people: Iterable[Candidate], known: dict[str, _Record]
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


def _kept(run: Import, person: Candidate, record: _Record | None) -> dict[str, str | int] | None:
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


@cache
def _keep() -> "Insert":
    """The statement for those who are added or changed.

    Its condition repeats what the import has found out already, so that no mistake in it
    can ever bring back somebody who has left.
    """
    return upsert(
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
