"""Bringing the rows of an import into the table of subscribers, a batch at a time."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy import Row as Record

from newsletter_mailer.audience.agency_names import AgencyNames
from newsletter_mailer.audience.candidate import Candidate, candidate
from newsletter_mailer.audience.csv_rows import Row
from newsletter_mailer.audience.erased import erased_among
from newsletter_mailer.audience.states import SubscriberStep, may
from newsletter_mailer.audience.subscriber import ACTIVE, UNSUBSCRIBED
from newsletter_mailer.store.tables import import_run, subscriber
from newsletter_mailer.store.upsert import upsert
from newsletter_mailer.store.web_tables import audit

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


@dataclass(frozen=True, slots=True)
class Details:
    """What an import can say of a person."""

    name: str
    agency: str
    role: str
    status: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a row changes: `before` is None for somebody new."""

    line: int
    email: str
    before: Details | None
    after: Details

    def __str__(self) -> str:
        return f"{self.email}: {self.words}"

    @property
    def words(self) -> str:
        """What changes, each field from what to what."""
        if self.before is None:
            parts = (self.after.name, self.after.agency, self.after.role)
            gone = f", {self.after.status}" if self.after.status != ACTIVE else ""
            return f"new: {', '.join(part for part in parts if part)}{gone}"
        pairs = zip(_FIELDS, astuple(self.before), astuple(self.after), strict=True)
        return ", ".join(
            f"{field}: {old or 'none'} to {new or 'none'}"
            for field, old, new in pairs
            if old != new
        )

    @property
    def trace(self) -> str:
        """The same for the audit trail, which names nobody."""
        if self.before is None:
            return "added"
        pairs = zip(_FIELDS, astuple(self.before), astuple(self.after), strict=True)
        return ", ".join(
            f"{field}: {old} to {new}" if field in {"agency", "status"} else field
            for field, old, new in pairs
            if old != new
        )


_FIELDS = ("name", "agency", "role", "status")


@dataclass(slots=True)
class Import:
    """An import under way. `keys` are the signing keys, by which the erased are known again."""

    id: int
    file: Path
    source: str
    agencies: AgencyNames
    started_at: dt.datetime
    by: str = ""
    keys: Sequence[str] = ()
    counts: Counter[str] = field(default_factory=Counter)
    rejected: list[Rejected] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

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
    strangers = [person.key for person in people if person.key not in known]
    erased = erased_among(connection, strangers, run.keys)
    if erased:
        run.counts["kept_erased"] += sum(person.key in erased for person in people)
        people = [person for person in people if person.key not in erased]
    keep: list[dict[str, str | int]] = []
    seen: list[dict[str, int]] = []
    traces: list[dict[str, object]] = []
    for person in _first_of_each(run, people, known):
        record = known.get(person.key)
        change = _change(run, person, record)
        if change:
            keep.append(_kept(run, person, change.after))
            run.changes.append(change)
            if record:
                traces.append(_trace(run, record.id, change))
        elif record:
            seen.append({"seen": record.id, "by": run.id, "at": person.line})
    if keep:
        connection.execute(_keep(), keep)
    if seen:
        connection.execute(_SEEN, seen)
    if traces:
        connection.execute(insert(audit), traces)


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


def _change(run: Import, person: Candidate, record: _Record | None) -> Change | None:
    """What changes for a person; None where the record says it all already.

    Who signed up and has yet to confirm keeps what they wrote themselves.
    """
    if record is None:
        run.counts["added"] += 1
        agency = person.agency or run.agencies.default
        after = Details(person.name, agency, person.role, person.status or ACTIVE)
        return Change(person.line, person.email, None, after)
    before = Details(record.name, record.agency, record.role, record.status)
    after = Details(
        person.name or before.name,
        person.agency or before.agency,
        person.role or before.role,
        person.status or before.status,
    )
    if after == before or before.status != ACTIVE:
        run.counts["unchanged"] += 1
        return None
    run.counts["updated"] += 1
    return Change(person.line, person.email, before, after)


def _kept(run: Import, person: Candidate, details: Details) -> dict[str, str | int]:
    """What to write for a person."""
    return {
        "email": person.email,
        "email_key": person.key,
        "name": details.name,
        "agency": details.agency,
        "role": details.role,
        "status": details.status,
        "source": run.source,
        "import_id": run.id,
        "import_line": person.line,
    }


def _trace(run: Import, subscriber_id: int, change: Change) -> dict[str, object]:
    """A line of the audit trail. Who is new needs none: their own row says where they came from."""
    return {
        "subscriber_id": subscriber_id,
        "change": change.trace,
        "way": f"import {run.id}",
        "by": run.by,
        "at": run.started_at,
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
        only_if=may(SubscriberStep.IMPORT),
    )
