"""Mail of a campaign that did not arrive, by address: for the office, and no part of a report."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, case, func, or_, select

from newsletter_mailer.sending.sealing import ERASED
from newsletter_mailer.store.tables import delivery
from newsletter_mailer.store.tracking_tables import feedback
from newsletter_mailer.tracking.figures import CAME_BACK


@dataclass(frozen=True, slots=True)
class Bounced:
    """A letter that did not arrive: what became of it, and the server's or provider's words."""

    email: str
    agency: str
    outcome: str
    code: str
    words: str


def bounced(connection: Connection, campaign_id: int) -> Iterator[Bounced]:
    """The letters that were refused or came back, by outcome and agency; no erased ones."""
    came_back = (delivery.c.status == "sent") & feedback.c.state.in_(CAME_BACK)
    failed = delivery.c.status == "failed"
    outcome = case((failed, "failed"), else_=feedback.c.state)
    rows = connection.execute(
        select(
            delivery.c.email,
            delivery.c.agency,
            outcome.label("outcome"),
            case((failed, delivery.c.code), else_=func.coalesce(feedback.c.code, "")),
            case((failed, delivery.c.error), else_=func.coalesce(feedback.c.detail, "")),
        )
        .outerjoin(
            feedback,
            (feedback.c.campaign_id == delivery.c.campaign_id)
            & (feedback.c.subscriber_id == delivery.c.subscriber_id),
        )
        .where(
            delivery.c.campaign_id == campaign_id,
            or_(failed, came_back),
            delivery.c.email != ERASED,
        )
        .order_by(outcome, delivery.c.agency, delivery.c.email)
    )
    for row in rows:
        yield Bounced(*row)
