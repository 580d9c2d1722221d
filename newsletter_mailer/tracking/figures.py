"""The figures of a campaign that a report is made of: by agency, and nobody by name.

They are exact, small groups too. Whoever shows them hides what could point to a person.
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVarTuple

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, func, select

from newsletter_mailer.audience.tracking_consent import agreed
from newsletter_mailer.store.tables import delivery, subscriber
from newsletter_mailer.store.tracking_tables import clicked, feedback, opened, reach_total
from newsletter_mailer.tracking.agents import Class
from newsletter_mailer.tracking.tidying import OPENS

Columns = TypeVarTuple("Columns")

Opens = Mapping[tuple[str, Class, dt.date], int]
"""People by agency, class, and the last day they opened."""

CAME_BACK = ("dropped", "blocked", "soft_bounced", "bounced")
"""States of feedback in which nobody got the mail."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known of one campaign.

    `outcomes` counts deliveries by agency, the ledger's status and the feedback's state,
    which is empty where nothing was heard. `agreed` counts those sent, and not come back,
    whose readers agree at this moment that opens are counted. Only theirs are in `opens` and
    `clicks` (by link), which are to be held against this number and no other. Totals that
    stand in the place of old opens know nobody any more: who withdrew since is still in them.
    """

    outcomes: Mapping[tuple[str, str, str], int]
    agreed: Mapping[str, int]
    opens: Opens
    clicks: Mapping[int, Opens]

    def opened_between(self) -> tuple[int, int]:
        """The fewest and the most people who may have opened it, of those who agreed.

        The fewest are human-likely. The most are all of whom something was loaded that was
        not surely a machine.
        """
        by_class: Counter[Class] = Counter()
        for (_, class_, _), people in self.opens.items():
            by_class[class_] += people
        least = by_class[Class.HUMAN]
        return least, least + by_class[Class.PROXIED] + by_class[Class.UNKNOWN]


def figures(connection: Connection, campaign_id: int) -> Figures:
    """The figures of a campaign as they are at this moment."""
    mine = delivery.c.campaign_id == campaign_id
    state = func.coalesce(feedback.c.state, "")
    outcomes = connection.execute(
        select(delivery.c.agency, delivery.c.status, state, func.count())
        .outerjoin(feedback, _same(feedback))
        .where(mine)
        .group_by(delivery.c.agency, delivery.c.status, state)
    )
    agreeing = connection.execute(
        _reached(select(delivery.c.agency, func.count()).select_from(delivery))
        .where(mine)
        .group_by(delivery.c.agency)
    )
    opens: Counter[tuple[str, Class, dt.date]] = Counter()
    clicks: dict[int, Counter[tuple[str, Class, dt.date]]] = {}
    for agency, class_, day, people in connection.execute(_live(opened, campaign_id)):
        opens[agency, Class(class_), day] += people
    live = _live(clicked, campaign_id).add_columns(clicked.c.link).group_by(clicked.c.link)
    for agency, class_, day, people, link in connection.execute(live):
        clicks.setdefault(link, Counter())[agency, Class(class_), day] += people
    for row in connection.execute(
        select(reach_total).where(reach_total.c.campaign_id == campaign_id)
    ).mappings():
        into = opens if row["link"] == OPENS else clicks.setdefault(row["link"], Counter())
        into[row["agency"], Class(row["class"]), row["day"]] += row["people"]
    return Figures(
        {(row[0], row[1], row[2]): row[3] for row in outcomes},
        {row[0]: row[1] for row in agreeing},
        opens,
        clicks,
    )


def _same(table: Table) -> ColumnElement[bool]:
    return and_(
        table.c.campaign_id == delivery.c.campaign_id,
        table.c.subscriber_id == delivery.c.subscriber_id,
    )


def _reached(rows: Select[*Columns]) -> Select[*Columns]:
    """Of these deliveries those that reached somebody who agrees to be counted."""
    return (
        rows.join(subscriber, subscriber.c.id == delivery.c.subscriber_id)
        .outerjoin(feedback, _same(feedback))
        .where(
            delivery.c.status == "sent",
            func.coalesce(feedback.c.state, "").not_in(CAME_BACK),
            agreed(),
        )
    )


def _live(table: Table, campaign_id: int) -> Select[str, str, dt.date, int]:
    return (
        _reached(
            select(delivery.c.agency, table.c["class"], table.c.day, func.count())
            .select_from(table)
            .join(delivery, _same(table))
        )
        .where(table.c.campaign_id == campaign_id)
        .group_by(delivery.c.agency, table.c["class"], table.c.day)
    )
