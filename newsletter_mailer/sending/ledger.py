"""The ledger: one delivery a subscriber and campaign, and what moves it while it is sent.

A group is claimed, and that is on disk before any letter of it leaves. What became of each
letter is written down at the epoch at which it was claimed: whoever lost the batch
meanwhile changes nothing that the new owner did.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    Connection,
    Update,
    and_,
    bindparam,
    exists,
    literal_column,
    null,
    or_,
    select,
    update,
)

from newsletter_mailer.audience.tracking_consent import agreed
from newsletter_mailer.mailbox import address_key
from newsletter_mailer.sending import control
from newsletter_mailer.sending.batches import Hold, keep, renew, reopen
from newsletter_mailer.sending.fate import Mark, Retries, fate
from newsletter_mailer.sending.transitions import DeliveryStep, may, taking
from newsletter_mailer.sending.transports.contract import Outcome, Receipt
from newsletter_mailer.store.listed import listed
from newsletter_mailer.store.tables import delivery, subscriber, suppression
from newsletter_mailer.store.upsert import insert_new

_FEW_NAMES = 10
"""Names that accepted letters share, up to which each name is written down for all of its own."""


class Delivery(NamedTuple):
    """A claimed delivery: whom it goes to, in which variant, and at which attempt.

    `refusals` is how many of its attempts were refused for now, `counted` whether its reader
    agreed that opens are counted, and `gone` whether the reader has left since the campaign
    was frozen.
    """

    subscriber_id: int
    variant: str
    email: str
    name: str
    agency: str
    attempt: int
    refusals: int = 0
    counted: bool = False
    gone: bool = False


_delivery = cast("Callable[[Sequence[object]], Delivery]", partial(tuple.__new__, Delivery))
"""A row as a delivery. It is what `_make` does, in a quarter of the time."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim gave: a group, empty when its batch is through.

    `more` says whether there is more in its batch that can be claimed now. `suppressed` of
    its batch were left out. `held` is False where the batch is somebody else's by now, and
    `running` where the campaign was paused or cancelled.
    """

    group: tuple[Delivery, ...] = ()
    more: bool = False
    suppressed: int = 0
    held: bool = True
    running: bool = True


def claim(
    connection: Connection, hold: Hold, now: dt.datetime, lease: dt.timedelta, most: int
) -> Claim:
    """Mark the next group of a batch `sending`, at most `most`, and prolong its lease.

    Readers who have left since the campaign was frozen, or whose address is suppressed,
    are marked `suppressed` instead. The caller commits before anything is sent.
    """
    if not renew(connection, hold, now, lease):
        return Claim(held=False)
    if control.state_held(connection, hold.campaign_id) != "sending":
        return Claim(running=False)
    suppressed = 0
    while True:
        result = connection.execute(
            _CLAIMABLE,
            # One more than wanted, which says whether there is more.
            {"campaign": hold.campaign_id, "batch": hold.number, "now": now, "most": most + 1},
        )
        # The driver's own rows: to make SQLAlchemy's of a group takes a third as long again.
        rows = result.cursor.fetchall()
        result.close()
        found = list(map(_delivery, rows[:most]))
        gone = [each.subscriber_id for each in found if each.gone]
        here = [each for each in found if not each.gone] if gone else found
        _move(connection, hold, gone, DeliveryStep.SUPPRESS, now)
        if here:
            # They are the first of their batch that can be claimed, so their bounds say which.
            connection.execute(
                _CLAIMING,
                {
                    "campaign": hold.campaign_id,
                    "number": hold.number,
                    "now": now,
                    "first": here[0].subscriber_id,
                    "last": here[-1].subscriber_id,
                    "at": hold.epoch,
                },
            )
        suppressed += len(gone)
        if here or not rows:
            break
    return Claim(tuple(here), len(rows) > most, suppressed)


def mark(
    connection: Connection,
    hold: Hold,
    marks: Sequence[Mark],
    now: dt.datetime,
    retries: Retries,
) -> None:
    """Write down what became of letters of a batch, and suppress addresses that are dead.

    Only what was claimed at the hold's epoch is moved.
    """
    accepted = [one.receipt for one in marks if one.receipt.outcome is Outcome.ACCEPTED]
    if accepted:
        accept(connection, hold, accepted, now)
    keep(connection, hold.campaign_id, hold.number)
    by_step: dict[DeliveryStep, list[dict[str, object]]] = {}
    for one in marks:
        if one.receipt.outcome is Outcome.ACCEPTED:
            continue
        step, values = fate(one, now, retries)
        row = {name: values[name] for name in _WRITTEN[step]}
        row |= {"campaign": hold.campaign_id, "at": hold.epoch, "number": one.receipt.subscriber_id}
        by_step.setdefault(step, []).append(row)
    for step, rows in by_step.items():
        connection.execute(_MARKING[step], rows)
    if DeliveryStep.RELEASE in by_step or DeliveryStep.DEFER in by_step:
        _come_back(connection, hold, now)
    for one in marks:
        if one.receipt.dead:
            _suppress(connection, hold.campaign_id, one.receipt, now)


def accept(
    connection: Connection, hold: Hold, receipts: Sequence[Receipt], now: dt.datetime
) -> None:
    """Write down letters of a batch that were accepted, as `mark` would, only sooner.

    Nearly all are accepted, so they go in one statement; so do those that went in one
    request, and share what the other side calls them. Where each has a name of its own, the
    names follow.
    """
    keep(connection, hold.campaign_id, hold.number)
    here = {"campaign": hold.campaign_id, "at": hold.epoch}
    names = {receipt.provider_id for receipt in receipts}
    shared = len(names) <= _FEW_NAMES
    for name in sorted(names) if shared else [""]:
        numbers = [
            receipt.subscriber_id
            for receipt in receipts
            if not shared or receipt.provider_id == name
        ]
        values = {"settled_at": now, "numbers": numbers, "called": name}
        connection.execute(_ACCEPTING, here | values)
    if not shared:
        named = [
            here | {"number": receipt.subscriber_id, "called": receipt.provider_id}
            for receipt in receipts
            if receipt.provider_id
        ]
        connection.execute(_NAMING, named)


def _come_back(connection: Connection, hold: Hold, now: dt.datetime) -> None:
    """See to letters that did not leave: their batch goes on, or they end with the campaign."""
    if control.state_held(connection, hold.campaign_id) == "cancelled":
        control.skip_rest(connection, hold.campaign_id, now)
    elif reopen(connection, hold):
        control.reopen(connection, hold.campaign_id)


def _suppress(connection: Connection, campaign_id: int, receipt: Receipt, now: dt.datetime) -> None:
    """Keep an address that bounced from getting anything more."""
    address = connection.scalar(
        select(delivery.c.email).where(
            delivery.c.campaign_id == campaign_id,
            delivery.c.subscriber_id == receipt.subscriber_id,
        )
    )
    if address is None:
        return
    row = {
        "email_key": address_key(address),
        "reason": "bounce",
        "code": receipt.code,
        "detail": receipt.detail,
        "campaign_id": campaign_id,
        "since": now,
    }
    connection.execute(insert_new(suppression, row))


def _move(
    connection: Connection,
    hold: Hold,
    subscriber_ids: list[int],
    step: DeliveryStep,
    settled_at: dt.datetime | None,
) -> None:
    if subscriber_ids:
        error = "left after the campaign was frozen" if step is DeliveryStep.SUPPRESS else ""
        connection.execute(
            update(delivery)
            .where(
                delivery.c.campaign_id == hold.campaign_id,
                delivery.c.subscriber_id.in_(subscriber_ids),
                may(step),
            )
            .values(taking(step) | {"settled_at": settled_at, "error": error})
        )


_DUE = or_(
    delivery.c.status == "pending",
    and_(delivery.c.status == "deferred", delivery.c.next_try <= bindparam("now")),
)

_CLAIMABLE = (
    select(
        delivery.c.subscriber_id,
        delivery.c.variant,
        delivery.c.email,
        delivery.c.name,
        delivery.c.agency,
        delivery.c.attempts + 1,
        delivery.c.refusals,
        agreed().label("counted"),
        or_(
            subscriber.c.id.is_(None),
            subscriber.c.status != "active",
            exists().where(suppression.c.email_key == subscriber.c.email_key),
        ).label("gone"),
    )
    .outerjoin(subscriber, subscriber.c.id == delivery.c.subscriber_id)
    .where(
        delivery.c.campaign_id == bindparam("campaign"),
        delivery.c.batch == bindparam("batch"),
        _DUE,
    )
    .order_by(delivery.c.subscriber_id)
    .limit(bindparam("most"))
    .with_for_update(of=delivery)
)

_CLAIMING = (
    update(delivery)
    .where(
        delivery.c.campaign_id == bindparam("campaign"),
        delivery.c.batch == bindparam("number"),
        delivery.c.subscriber_id.between(bindparam("first"), bindparam("last")),
        _DUE,
        may(DeliveryStep.CLAIM),
    )
    .values(
        taking(DeliveryStep.CLAIM) | {"epoch": bindparam("at"), "attempts": delivery.c.attempts + 1}
    )
)


_UNWRITTEN: dict[str, Any] = {
    "code": literal_column("''"),
    "error": literal_column("''"),
    "provider_id": literal_column("''"),
    "next_try": null(),
    "settled_at": null(),
}
"""What a mark sets back, where its step writes nothing there."""

_WRITTEN = {
    DeliveryStep.REJECT: ("code", "error", "provider_id", "settled_at"),
    DeliveryStep.DEFER: ("code", "error", "next_try", "refusals"),
    DeliveryStep.RELEASE: (),
    DeliveryStep.DOUBT: ("code", "error", "provider_id", "settled_at"),
}
"""Of each letter only what its step needs."""


def _marking(step: DeliveryStep, written: Sequence[str]) -> Update:
    return (
        update(delivery)
        .where(
            delivery.c.campaign_id == bindparam("campaign"),
            delivery.c.subscriber_id == bindparam("number"),
            delivery.c.epoch == bindparam("at"),
            may(step),
        )
        .values(taking(step) | _UNWRITTEN | {name: bindparam(name) for name in written})
    )


_MARKING = {step: _marking(step, written) for step, written in _WRITTEN.items()}

_ACCEPTING = (
    update(delivery)
    .where(
        delivery.c.campaign_id == bindparam("campaign"),
        listed(delivery.c.subscriber_id, "numbers"),
        delivery.c.epoch == bindparam("at"),
        may(DeliveryStep.ACCEPT),
    )
    .values(
        taking(DeliveryStep.ACCEPT)
        | _UNWRITTEN
        | {"settled_at": bindparam("settled_at"), "provider_id": bindparam("called")}
    )
)

_NAMING = (
    update(delivery)
    .where(
        delivery.c.campaign_id == bindparam("campaign"),
        delivery.c.subscriber_id == bindparam("number"),
        delivery.c.epoch == bindparam("at"),
        delivery.c.status == DeliveryStep.ACCEPT.value.target,
    )
    .values(provider_id=bindparam("called"))
)
