"""The links of a campaign as the store holds them: what was known, and what came later."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from newsletter_mailer.checking.links.cache import GOOD
from newsletter_mailer.checking.links.checked import CheckedLink
from newsletter_mailer.checking.links.verdict import LinkResult, Verdict
from newsletter_mailer.sending.gate import Acceptance
from newsletter_mailer.store.tables import campaign_link

DEAD = frozenset({Verdict.BROKEN, Verdict.TLS})
"""Verdicts of a link that fails readers."""


@dataclass(frozen=True, slots=True)
class CampaignLink:
    """A link that was sent.

    `result` is what was known of it when the campaign was frozen, `accepted` whose word let
    it pass in doubt. `last_good_at` is when it was last seen to lead somewhere.
    """

    url: str
    result: LinkResult
    mentions: tuple[Mapping[str, Any], ...]
    accepted: Acceptance | None
    last_result: LinkResult | None
    last_good_at: dt.datetime | None

    @property
    def has_died(self) -> bool:
        """Whether it was good once, when it was sent or later, and fails readers now."""
        return (
            self.last_good_at is not None
            and self.last_result is not None
            and self.last_result.verdict in DEAD
        )

    @property
    def archived(self) -> str:
        """Where the Wayback Machine would have the copy nearest to when it was last good.

        The form is that of https://web.archive.org/web/: UTC as fourteen figures, then the
        address. Empty for a link that was never good.
        """
        if self.last_good_at is None:
            return ""
        when = self.last_good_at.astimezone(dt.UTC)
        return f"https://web.archive.org/web/{when:%Y%m%d%H%M%S}/{self.url}"


def keep_links(
    connection: Connection,
    campaign_id: int,
    links: Sequence[CheckedLink],
    accepted: Mapping[str, Acceptance],
) -> None:
    """Keep with a new campaign what is known of its links, and who let which pass."""
    rows = []
    for link in links:
        word = accepted.get(link.url)
        good = link.result.verdict in GOOD
        rows.append(
            {
                "campaign_id": campaign_id,
                "url": link.url,
                "result": link.result.as_dict(),
                "mentions": link.as_dict()["mentions"],
                "accepted_by": word.by if word else None,
                "accepted_at": word.at if word else None,
                "last_good_at": link.result.checked_at if good else None,
            }
        )
    if rows:
        connection.execute(insert(campaign_link), rows)


def links_of(connection: Connection, campaign_id: int) -> list[CampaignLink]:
    """The links of a campaign, in the order of their URLs."""
    rows = connection.execute(
        select(campaign_link)
        .where(campaign_link.c.campaign_id == campaign_id)
        .order_by(campaign_link.c.url)
    )
    return [
        CampaignLink(
            row.url,
            LinkResult.from_dict(row.result),
            tuple(row.mentions),
            Acceptance(row.accepted_by, row.accepted_at) if row.accepted_by else None,
            LinkResult.from_dict(row.last_result) if row.last_result else None,
            row.last_good_at,
        )
        for row in rows
    ]


def keep_later_results(
    connection: Connection, campaign_id: int, results: Iterable[LinkResult]
) -> None:
    """Keep the newest results of a campaign's links; those not looked at stay as they were."""
    for result in results:
        if result.verdict is Verdict.UNCHECKED:
            continue
        values: dict[str, Any] = {"last_result": result.as_dict()}
        if result.verdict in GOOD:
            values["last_good_at"] = result.checked_at
        connection.execute(
            update(campaign_link)
            .where(campaign_link.c.campaign_id == campaign_id, campaign_link.c.url == result.url)
            .values(values)
        )
