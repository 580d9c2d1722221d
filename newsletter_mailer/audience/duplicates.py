"""People who are on the list twice, by spellings of an address that reach the same mailbox.

Two spellings that differ in letter case are one address from the start. Here are those
that providers deliver alike: what follows a plus sign before the @ (RFC 5233, where the
server keeps to it, as most do), and with Gmail the dots and its second domain.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, or_, select, update

from newsletter_mailer.audience.audit import record
from newsletter_mailer.audience.listing import COLUMNS
from newsletter_mailer.audience.states import SubscriberStep, take
from newsletter_mailer.audience.subscriber import ACTIVE, Subscriber
from newsletter_mailer.store.tables import subscriber

_GMAIL = frozenset({"gmail.com", "googlemail.com"})
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Rows that reach the same mailbox, the oldest first. At least two of them are active."""

    mailbox: str
    copies: tuple[Subscriber, ...]

    @property
    def stays(self) -> Subscriber:
        """The one that stays when they are merged: the plain address, or else the oldest."""
        active = [copy for copy in self.copies if copy.status == ACTIVE]
        return next((copy for copy in active if copy.email.casefold() == self.mailbox), active[0])


def mailbox_of(email_key: str) -> str:
    """The mailbox that an address reaches, as far as its spelling tells."""
    local, _, domain = email_key.rpartition("@")
    plain = local.partition("+")[0] or local
    if domain in _GMAIL:
        return f"{plain.replace('.', '') or plain}@gmail.com"
    return f"{plain}@{domain}"


def duplicates(connection: Connection) -> Iterator[Duplicates]:
    """Everybody who is active more than once, by mailbox."""
    key = subscriber.c.email_key
    unusual = or_(key.contains("+"), *(key.endswith(f"@{domain}") for domain in sorted(_GMAIL)))
    groups: dict[str, list[Subscriber]] = {}
    for row in connection.execute(select(*COLUMNS, key).where(unusual)):
        groups.setdefault(mailbox_of(row.email_key), []).append(Subscriber(*row[:-1]))
    boxes = list(groups)
    for begin in range(0, len(boxes), _AT_ONCE):
        plain = select(*COLUMNS, key).where(key.in_(boxes[begin : begin + _AT_ONCE]), ~unusual)
        for row in connection.execute(plain):
            groups[row.email_key].append(Subscriber(*row[:-1]))
    for mailbox in sorted(groups):
        copies = sorted(groups[mailbox], key=lambda copy: copy.id)
        if sum(copy.status == ACTIVE for copy in copies) > 1:
            yield Duplicates(mailbox, tuple(copies))


def merge(
    connection: Connection, found: Duplicates, *, way: str, by: str, now: dt.datetime
) -> Sequence[Subscriber]:
    """Leave one active row of a mailbox; the others, which are unsubscribed.

    What the one that stays does not say of itself is taken over from the others. They are not
    deleted: an import of the same list would bring them back.
    """
    stays = found.stays
    rest = [copy for copy in found.copies if copy.status == ACTIVE and copy is not stays]
    filled = {
        field: value
        for field in ("name", "role")
        if not getattr(stays, field)
        for value in [next((getattr(copy, field) for copy in rest if getattr(copy, field)), "")]
        if value
    }
    if filled:
        connection.execute(
            update(subscriber).where(subscriber.c.id == stays.id).values(changed_at=now, **filled)
        )
        record(connection, stays.id, f"{' and '.join(filled)} from a duplicate", way, by, now)
    for copy in rest:
        take(connection, copy.id, SubscriberStep.UNSUBSCRIBE, now)
        record(connection, copy.id, f"unsubscribed as a duplicate of {stays.id}", way, by, now)
    return rest
