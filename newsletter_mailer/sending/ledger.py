"""The ledger: one delivery a subscriber and campaign, and what moves it while it is sent.

A group is claimed, and that is on disk before any letter of it leaves. What became of each
letter is written down at the epoch at which it was claimed: whoever lost the batch
meanwhile changes nothing that the new owner did.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    Update,
    and_,
    bindparam,
    exists,
    insert,
    literal,
    literal_column,
    null,
    or_,
    select,
    update,
)

from newsletter_mailer.audience.tracking_consent import agreed
from newsletter_mailer.mailbox import address_key
from newsletter_mailer.sending import control
from newsletter_mailer.sending.batches import Hold, renew, reopen
from newsletter_mailer.sending.transitions import DeliveryStep, may, taking
from newsletter_mailer.sending.transports.contract import Outcome, Receipt
from newsletter_mailer.store.tables import campaign, delivery, subscriber, suppression

LONGEST_PAUSE = dt.timedelta(hours=4)

LEAST_TRIES = 3
"""Attempts that a letter has at least, before it fails for having been refused for now."""

_LONGEST_ASKED = 7 * 86_400.0
"""Seconds, the longest time that another side's wish to wait is taken at its word."""

MOST_FALSE_STARTS = 5
"""Attempts that broke off before they counted, after which a letter waits like one refused."""

_STEPS = {
    Outcome.ACCEPTED: DeliveryStep.ACCEPT,
    Outcome.REJECTED: DeliveryStep.REJECT,
    Outcome.RETRY: DeliveryStep.DEFER,
    Outcome.UNSENT: DeliveryStep.RELEASE,
    Outcome.IN_DOUBT: DeliveryStep.DOUBT,
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """A claimed delivery: whom it goes to, in which variant, and at which attempt.

    `counted` is whether its reader agreed that opens are counted.
    """

    subscriber_id: int
    variant: str
    email: str
    name: str
    agency: str
    attempt: int
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim gave: a group, empty when its batch is through.

    `suppressed` of its batch were left out. `held` is False where the batch is somebody
    else's by now, and `running` where the campaign was paused or cancelled.
    """

    group: tuple[Delivery, ...] = ()
    suppressed: int = 0
    held: bool = True
    running: bool = True


@dataclass(frozen=True, slots=True)
class Retries:
    """How a letter is tried again that was refused for now.

    The first pause is `first`, each later one four times as long up to `LONGEST_PAUSE`;
    after `give_up_at` it has failed, though not before its `LEAST_TRIES`: at a slow rate
    its turn may come late.
    """

    first: dt.timedelta
    give_up_at: dt.datetime

    def next_try(self, attempt: int, asked: float | None, now: dt.datetime) -> dt.datetime | None:
        """When the letter of this attempt is due again, None for never.

        `asked` is how many seconds the other side asked for.
        """
        pause = min(self.first * 4 ** min(attempt - 1, 10), LONGEST_PAUSE)
        due = now + max(pause, dt.timedelta(seconds=min(asked or 0, _LONGEST_ASKED)))
        return due if due <= self.give_up_at or attempt < LEAST_TRIES else None


@dataclass(frozen=True, slots=True)
class Mark:
    """A receipt, and the attempt that it is for."""

    receipt: Receipt
    attempt: int


def claim(
    connection: Connection, hold: Hold, now: dt.datetime, lease: dt.timedelta, most: int
) -> Claim:
    """Mark the next group of a batch `sending`, at most `most`, and prolong its lease.

    Readers who have left since the campaign was frozen, or whose address is suppressed,
    are marked `suppressed` instead. The caller commits before anything is sent.
    """
    if not renew(connection, hold, now, lease):
        return Claim(held=False)
    state = connection.scalar(select(campaign.c.state).where(campaign.c.id == hold.campaign_id))
    if state != "sending":
        return Claim(running=False)
    suppressed = 0
    while True:
        rows = connection.execute(
            _CLAIMABLE,
            {"campaign": hold.campaign_id, "batch": hold.number, "now": now, "most": most},
        ).all()
        gone = [row.subscriber_id for row in rows if row.gone]
        here = [row for row in rows if not row.gone]
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
    group = (
        Delivery(r.subscriber_id, r.variant, r.email, r.name, r.agency, r.attempts + 1, r.counted)
        for r in here
    )
    return Claim(tuple(group), suppressed)


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
    by_step: dict[DeliveryStep, list[dict[str, object]]] = {}
    for one in marks:
        step, values = _fate(one, now, retries)
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


def _come_back(connection: Connection, hold: Hold, now: dt.datetime) -> None:
    """See to letters that did not leave: their batch goes on, or they end with the campaign."""
    if control.state_of(connection, hold.campaign_id) == "cancelled":
        control.skip_rest(connection, hold.campaign_id, now)
    elif reopen(connection, hold):
        control.reopen(connection, hold.campaign_id)


def _fate(one: Mark, now: dt.datetime, retries: Retries) -> tuple[DeliveryStep, dict[str, object]]:
    """The step that a receipt means, and what is written with it."""
    receipt, outcome = one.receipt, one.receipt.outcome
    if outcome is Outcome.UNSENT and receipt.detail and one.attempt >= MOST_FALSE_STARTS:
        outcome = Outcome.RETRY
    next_try = None
    if outcome is Outcome.RETRY:
        next_try = retries.next_try(one.attempt, receipt.retry_after, now)
        outcome = Outcome.RETRY if next_try else Outcome.REJECTED
    settled = outcome in {Outcome.ACCEPTED, Outcome.REJECTED, Outcome.IN_DOUBT}
    return _STEPS[outcome], {
        "code": receipt.code,
        "error": receipt.detail,
        "provider_id": receipt.provider_id,
        "next_try": next_try,
        "settled_at": now if settled else None,
    }


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
    key = address_key(address)
    known = exists().where(suppression.c.email_key == key)
    row = {
        "email_key": key,
        "reason": "bounce",
        "code": receipt.code,
        "detail": receipt.detail,
        "campaign_id": campaign_id,
        "since": now,
    }
    values = [literal(value, suppression.c[name].type) for name, value in row.items()]
    connection.execute(insert(suppression).from_select(list(row), select(*values).where(~known)))


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
        delivery.c.attempts,
        or_(
            subscriber.c.id.is_(None),
            subscriber.c.status != "active",
            exists().where(suppression.c.email_key == subscriber.c.email_key),
        ).label("gone"),
        agreed().label("counted"),
    )
    .outerjoin(subscriber, subscriber.c.id == delivery.c.subscriber_id)
    .where(
        delivery.c.campaign_id == bindparam("campaign"),
        delivery.c.batch == bindparam("batch"),
        _DUE,
    )
    .order_by(delivery.c.subscriber_id)
    .limit(bindparam("most"))
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
    DeliveryStep.ACCEPT: ("provider_id", "settled_at"),
    DeliveryStep.REJECT: ("code", "error", "provider_id", "settled_at"),
    DeliveryStep.DEFER: ("code", "error", "next_try"),
    DeliveryStep.RELEASE: (),
    DeliveryStep.DOUBT: ("code", "error", "provider_id", "settled_at"),
}
"""Of each letter only what its step needs: most are accepted, and each value costs time."""


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
