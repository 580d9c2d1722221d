"""What follows from each kind of event: every step a delivery's feedback can take, in one place.

    feedback   processed → deferred → dropped → delivered → blocked → soft_bounced → bounced
               → complained; each state may be left out, and none is ever gone back to

So the state that is reached does not depend on the order in which events come, nor on
how often. Whatever is reported of a message also proves that the provider or the relay had
taken it: a delivery in doubt is settled by it as sent, one that is just being sent too. Where
the provider holds a campaign back, having taken a message is no proof that it leaves; see `held`.
"""

from dataclasses import dataclass
from enum import Enum

from newsletter_mailer.sending.transitions import step
from newsletter_mailer.tracking.events import Kind


class FeedbackStep(Enum):
    """What can happen to a delivery's feedback."""

    PROCESS = step("", "processed")
    DEFER = step("processed", "deferred")
    DROP = step("processed deferred", "dropped")
    DELIVER = step("processed deferred dropped", "delivered")
    BLOCK = step("processed deferred dropped delivered", "blocked")
    BOUNCE_SOFTLY = step("processed deferred dropped delivered blocked", "soft_bounced")
    BOUNCE = step("processed deferred dropped delivered blocked soft_bounced", "bounced")
    COMPLAIN = step(
        "processed deferred dropped delivered blocked soft_bounced bounced", "complained"
    )


RANK = {step: rank for rank, step in enumerate(FeedbackStep)}
"""Of several steps that one delivery takes at once, the highest has the last word."""


@dataclass(frozen=True, slots=True)
class Consequence:
    """The step of the feedback, if any, and what it means for the address and its owner.

    `suppress` is the reason for which the address gets nothing more, `leaves` whether its
    owner is unsubscribed, `soft` whether it counts towards the limit of soft bounces. `held` is
    whether it can be said of a message that never leaves, as one of a batch that was recalled:
    the provider has it, waits, or has thrown it away. All else proves that it left.
    """

    step: FeedbackStep | None
    suppress: str = ""
    leaves: bool = False
    soft: bool = False
    held: bool = False


CONSEQUENCES = {
    Kind.PROCESSED: Consequence(FeedbackStep.PROCESS, held=True),
    Kind.DEFERRED: Consequence(FeedbackStep.DEFER, held=True),
    Kind.DELIVERED: Consequence(FeedbackStep.DELIVER),
    Kind.DROPPED: Consequence(FeedbackStep.DROP, held=True),
    Kind.DROPPED_DEAD: Consequence(FeedbackStep.DROP, suppress="bounce", held=True),
    Kind.DROPPED_COMPLAINED: Consequence(FeedbackStep.DROP, suppress="complaint", held=True),
    Kind.DROPPED_LEFT: Consequence(FeedbackStep.DROP, leaves=True, held=True),
    Kind.BLOCKED: Consequence(FeedbackStep.BLOCK),
    Kind.SOFT_BOUNCED: Consequence(FeedbackStep.BOUNCE_SOFTLY, soft=True),
    Kind.BOUNCED: Consequence(FeedbackStep.BOUNCE, suppress="bounce"),
    Kind.OPENED: Consequence(FeedbackStep.DELIVER),
    Kind.CLICKED: Consequence(FeedbackStep.DELIVER),
    Kind.COMPLAINED: Consequence(FeedbackStep.COMPLAIN, suppress="complaint"),
    Kind.UNSUBSCRIBED: Consequence(FeedbackStep.DELIVER, leaves=True),
    Kind.OTHER: Consequence(None, held=True),
}
