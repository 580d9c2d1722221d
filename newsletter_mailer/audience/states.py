"""Every step that a subscriber can take, in one place.

    (nobody) → unconfirmed → active ⇄ unsubscribed
    (nobody) → active, by an import
    any      → (nobody), by erasing

A bounce, a complaint and the office's own word are no states: they keep an address on the
list of suppressed ones, whatever its owner's state is. A pause keeps it off the audience
until its day. So nobody gets anything who is not active, or who is suppressed or paused.
"""

import datetime as dt
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, Connection, literal_column, or_, update

from newsletter_mailer.audience.subscriber import ACTIVE, UNSUBSCRIBED
from newsletter_mailer.store.tables import subscriber

UNCONFIRMED = "unconfirmed"


class SubscriberStep(Enum):
    """What can happen to somebody who is known: from any of these states to that one."""

    IMPORT = (ACTIVE,), ACTIVE
    """An import changes what it says of people, and never whether they get the newsletter."""

    CONFIRM = (UNCONFIRMED, ACTIVE, UNSUBSCRIBED), ACTIVE
    """Somebody who reads mail at the address pressed the button. So who left may return."""

    UNSUBSCRIBE = (UNCONFIRMED, ACTIVE), UNSUBSCRIBED
    UNDO = (UNSUBSCRIBED,), ACTIVE
    """On the page that said they had left, within the hour, and only if they had been active."""


BORN = {"sign-up": UNCONFIRMED, "import": ACTIVE}
"""The state in which somebody new begins, by the way they came."""


def may(step: SubscriberStep) -> ColumnElement[bool]:
    """The condition that a subscriber is in a state from which the step leads."""
    sources, _ = step.value
    # Parts of the statement and no values: an import carries it out for many rows at once.
    return or_(*(subscriber.c.status == literal_column(f"'{source}'") for source in sources))


def take(
    connection: Connection,
    subscriber_id: int,
    step: SubscriberStep,
    now: dt.datetime,
    **values: Any,  # noqa: ANN401 - columns of a subscriber
) -> bool:
    """Take the step, and write `values` with it; False where it does not lead from here."""
    _, target = step.value
    done = connection.execute(
        update(subscriber)
        .where(subscriber.c.id == subscriber_id, may(step))
        .values(status=target, changed_at=now, **values)
    )
    return bool(done.rowcount)
