"""What a receipt means for a delivery, and when a letter that was refused for now is due again."""

import datetime as dt
from dataclasses import dataclass
from typing import NamedTuple

from newsletter_mailer.sending.transitions import DeliveryStep
from newsletter_mailer.sending.transports.contract import Outcome, Receipt

_LONGEST_PAUSE = dt.timedelta(hours=4)

LEAST_TRIES = 3
"""Attempts that a letter has at least, before it fails for having been refused for now."""

_LONGEST_ASKED = 7 * 86_400.0
"""Seconds, the longest time that another side's wish to wait is taken at its word."""

_MOST_FALSE_STARTS = 5
"""Attempts that broke off before they counted, after which a letter waits like one refused."""

_STEPS = {
    Outcome.REJECTED: DeliveryStep.REJECT,
    Outcome.RETRY: DeliveryStep.DEFER,
    Outcome.UNSENT: DeliveryStep.RELEASE,
    Outcome.IN_DOUBT: DeliveryStep.DOUBT,
}


class Mark(NamedTuple):
    """A receipt, the attempt that it is for, and how many were refused for now before."""

    receipt: Receipt
    attempt: int
    refusals: int = 0


@dataclass(frozen=True, slots=True)
class Retries:
    """How a letter is tried again that was refused for now.

    The first pause is `first`, each later one four times as long up to four hours;
    after `give_up_at` it has failed, though not before its `LEAST_TRIES`: at a slow rate
    its turn may come late. An attempt that never came to an answer does not count.
    """

    first: dt.timedelta
    give_up_at: dt.datetime

    def next_try(self, refusals: int, asked: float | None, now: dt.datetime) -> dt.datetime | None:
        """When a letter is due again after so many refusals, None for never.

        `asked` is how many seconds the other side asked for.
        """
        pause = min(self.first * 4 ** min(refusals - 1, 10), _LONGEST_PAUSE)
        due = now + max(pause, dt.timedelta(seconds=min(asked or 0, _LONGEST_ASKED)))
        return due if due <= self.give_up_at or refusals < LEAST_TRIES else None


def fate(one: Mark, now: dt.datetime, retries: Retries) -> tuple[DeliveryStep, dict[str, object]]:
    """The step that a receipt means, and what is written with it."""
    receipt, outcome = one.receipt, one.receipt.outcome
    if outcome is Outcome.UNSENT and receipt.detail and one.attempt >= _MOST_FALSE_STARTS:
        outcome = Outcome.RETRY
    next_try = None
    if outcome is Outcome.RETRY:
        next_try = retries.next_try(one.refusals + 1, receipt.retry_after, now)
        outcome = Outcome.RETRY if next_try else Outcome.REJECTED
    settled = outcome in {Outcome.REJECTED, Outcome.IN_DOUBT}
    return _STEPS[outcome], {
        "code": receipt.code,
        "error": receipt.detail,
        "provider_id": receipt.provider_id,
        "next_try": next_try,
        "refusals": one.refusals + 1,
        "settled_at": now if settled else None,
    }
