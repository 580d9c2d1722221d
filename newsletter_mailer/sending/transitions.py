"""Every step that a campaign, a batch and a delivery can take, in one place.

Nothing else in the program names the states that a step leads from and to: the ledger
asks for the step, and gets the condition and the new state from here.

    campaign   scheduled → sending ⇄ paused → done | cancelled
               scheduled ⇄ paused, before its time has come
    batch      ready → running → done
    delivery   pending → sending → sent | failed | deferred | in_doubt
               deferred → sending again, when its time has come
               in_doubt → sent | failed | pending | skipped, once somebody knows or decides
               pending, sending, deferred, in_doubt → sent, once a provider reports on it
               pending, deferred → suppressed | skipped
               sent, sending, in_doubt → pending, where a provider gave them back unsent
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, Table, literal_column, or_
from sqlalchemy.sql.elements import ColumnClause

from newsletter_mailer.store.tables import batch, campaign, delivery


@dataclass(frozen=True, slots=True)
class Step:
    """From any of these states to that one."""

    sources: tuple[str, ...]
    target: str


def step(sources: str, target: str) -> Step:
    """From these states, written with spaces between, to that one; an empty word: from none."""
    return Step(tuple(sources.split()), target)


class CampaignStep(Enum):
    """What can happen to a campaign."""

    START = step("scheduled", "sending")
    PAUSE = step("scheduled sending", "paused")
    RESUME = step("paused", "sending")
    AWAIT = step("paused", "scheduled")
    """Paused and resumed before its time had come."""

    CANCEL = step("scheduled sending paused", "cancelled")
    FINISH = step("sending", "done")
    REOPEN = step("done", "sending")
    """Letters came back after the end: somebody had given them up, or wants them sent again."""


class BatchStep(Enum):
    """What can happen to a batch."""

    TAKE = step("ready running", "running")
    CLOSE = step("running", "done")
    REOPEN = step("running done", "ready")


class DeliveryStep(Enum):
    """What can happen to a delivery."""

    CLAIM = step("pending deferred", "sending")
    ACCEPT = step("sending in_doubt", "sent")
    """What is surely sent counts, even where somebody had given it up as doubtful."""

    REJECT = step("sending in_doubt", "failed")
    DEFER = step("sending in_doubt", "deferred")
    RELEASE = step("sending in_doubt", "pending")
    """It has surely not left."""

    DOUBT = step("sending", "in_doubt")
    CONFIRM = step("pending sending deferred in_doubt", "sent")
    """Somebody reported something of a message that was tried: it has surely left.

    Of a staged campaign, only what cannot be said of a message that is held back counts:
    `tracking/consequences.py` tells them apart.
    """

    SUPPRESS = step("pending deferred", "suppressed")
    CANCEL = step("pending deferred", "skipped")
    RECALL = step("sent sending in_doubt", "pending")
    """The provider held it back, and gave it back before it left."""

    SETTLE_SENT = step("in_doubt", "sent")
    SETTLE_FAILED = step("in_doubt", "failed")
    SETTLE_RESEND = step("in_doubt", "pending")
    SETTLE_SKIP = step("in_doubt", "skipped")


AnyStep = CampaignStep | BatchStep | DeliveryStep

FINAL = ("sent", "failed", "suppressed", "in_doubt", "skipped")
"""States of a delivery in which nothing happens any more by itself."""

_WHERE: dict[type[Enum], tuple[Table, str]] = {
    CampaignStep: (campaign, "state"),
    BatchStep: (batch, "state"),
    DeliveryStep: (delivery, "status"),
}


def may(step: AnyStep) -> ColumnElement[bool]:
    """The condition that a row is in a state from which the step leads."""
    column = _column(step)
    return or_(*(column == _constant(source) for source in step.value.sources))


def taking(step: AnyStep) -> dict[str, Any]:
    """The values that an UPDATE sets for the step."""
    return {_column(step).name: _constant(step.value.target)}


def _constant(state: str) -> ColumnElement[str]:
    """A state as part of the statement: as a value of each row, it would cost time."""
    return literal_column(f"'{state}'")


def _column(step: AnyStep) -> ColumnClause[Any]:
    table, column = _WHERE[type(step)]
    return table.c[column]
