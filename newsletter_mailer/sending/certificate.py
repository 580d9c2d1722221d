"""The certificate: what became of everyone in a campaign's audience, and why to believe it."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from newsletter_mailer.sending.campaign import Campaign
from newsletter_mailer.sending.campaign_links import links_of
from newsletter_mailer.sending.counting import Counts, count
from newsletter_mailer.sending.doubt import Doubtful, in_doubt
from newsletter_mailer.sending.frozen_content import Hashed, HashedVariant, hash_content
from newsletter_mailer.sending.recipients import audience_hash
from newsletter_mailer.sending.sealing import Erasures, erasures_in
from newsletter_mailer.store.tables import delivery

_FORMAT = 1
"""Goes up when a field of the JSON changes its meaning."""


@dataclass(frozen=True, slots=True)
class Failures:
    """How many deliveries failed with one code. `words` are those of one of them."""

    code: str
    words: str
    times: int


@dataclass(frozen=True, slots=True)
class Decision:
    """Deliveries that stand as they do because a person said so: the words, and how many."""

    words: str
    outcome: str
    times: int


@dataclass(frozen=True, slots=True)
class AcceptedLink:
    """A link of which nobody could tell whether it leads anywhere, and who let it pass."""

    url: str
    verdict: str
    by: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Certificate:
    """Everything a certificate says. It follows from the ledger alone: no clock is read.

    `recipients` counts the frozen audience by variant. `last_entry_at` is the time of the
    ledger's last entry. `erasures` tells of people whose names and addresses were taken out
    of the ledger since; `audience` is then the hash of what was left.
    """

    campaign: Campaign
    content: Hashed
    variants: tuple[HashedVariant, ...]
    audience: Hashed
    recipients: Mapping[str, int]
    counts: Counts
    failures: tuple[Failures, ...]
    in_doubt: tuple[Doubtful, ...]
    decisions: tuple[Decision, ...]
    accepted_links: tuple[AcceptedLink, ...]
    last_entry_at: dt.datetime | None
    erasures: Erasures | None = None

    @property
    def eligible(self) -> int:
        """Everyone to whom the campaign was to go: the audience as it was frozen."""
        return sum(self.recipients.values())

    @property
    def finished(self) -> bool:
        """Whether the campaign has ended, and nothing of it is on its way any more."""
        state = self.campaign.state
        return state == "done" or (state == "cancelled" and not self.counts.sending)

    @property
    def outcomes(self) -> Mapping[str, int]:
        """How it ended, by the certificate's own words."""
        counts = self.counts
        return {
            "accepted": counts.sent,
            "failed": counts.failed,
            "suppressed": counts.suppressed,
            "skipped": counts.skipped,
            "in doubt": counts.in_doubt,
        }

    @property
    def adds_up(self) -> bool:
        """Whether the outcomes, and before the end those still open, make up the audience."""
        still_open = 0 if self.finished else self.counts.open
        return sum(self.outcomes.values()) + still_open == self.eligible

    @property
    def changed(self) -> tuple[str, ...]:
        """What is not any more as it was frozen, in words."""
        broken = self.erasures is not None and not self.erasures.unbroken
        found = ["the audience"] if broken or self.audience.holds is False else []
        found += [f"variant {v.name}" for v in self.variants if v.content.holds is False]
        if self.content.holds is False and not any(v.content.holds is False for v in self.variants):
            found.append("the list of variants")
        return tuple(found)

    @property
    def sound(self) -> bool:
        """Whether the counts add up and nothing frozen was changed."""
        return self.adds_up and not self.changed

    def as_dict(self) -> dict[str, object]:
        """The certificate for programs. Times are UTC."""
        known = self.campaign
        return {
            "format": _FORMAT,
            "campaign": known.name,
            "issue": known.issue,
            "number": known.number,
            "title": known.title,
            "state": known.state,
            "reason": known.reason,
            "finished": self.finished,
            "frozen_by": known.frozen_by,
            "frozen_at": _utc(known.frozen_at),
            "scheduled_at": _utc(known.scheduled_at),
            "started_at": _utc(known.started_at),
            "finished_at": _utc(known.finished_at),
            "last_entry_at": _utc(self.last_entry_at),
            "transport": known.transport,
            "sender": {
                "name": known.sender_name,
                "address": known.sender_address,
                "reply_to": known.reply_to,
            },
            "content": _hashed(self.content),
            "variants": [
                {
                    "name": each.name,
                    "agencies": dict(each.agencies),
                    "recipients": self.recipients.get(each.name, 0),
                    **_hashed(each.content),
                }
                for each in self.variants
            ],
            "audience": {"names": list(known.audience), **self._audience()},
            "excluded": dict(known.excluded),
            "eligible": self.eligible,
            "outcomes": {word.replace(" ", "_"): n for word, n in self.outcomes.items()},
            "still_open": self.counts.open,
            "adds_up": self.adds_up,
            "changed_since_frozen": list(self.changed),
            "failures": [
                {"code": each.code, "words": each.words, "times": each.times}
                for each in self.failures
            ],
            "in_doubt": [
                {"email": each.email, "since": _utc(each.since), "why": each.error}
                for each in self.in_doubt
            ],
            "decisions": [
                {"words": each.words, "outcome": each.outcome, "times": each.times}
                for each in self.decisions
            ],
            "waivers": [waiver.model_dump() for waiver in known.waivers],
            "accepted_links": [
                {"url": each.url, "verdict": each.verdict, "by": each.by, "at": _utc(each.at)}
                for each in self.accepted_links
            ],
        }

    def _audience(self) -> dict[str, object]:
        """The audience's hashes. Only where people were erased is there a third."""
        if self.erasures is None:
            return _hashed(self.audience)
        return {
            **_hashed(self.audience),
            "sha256_when_frozen": self.erasures.hash_when_frozen,
            "sha256_after_erasures": self.audience.stored,
            "erased_since": self.erasures.people,
        }

    def as_json(self) -> bytes:
        """The certificate as a file: the same ledger gives the same bytes."""
        text = json.dumps(self.as_dict(), ensure_ascii=False, indent=2, sort_keys=True)
        return (text + "\n").encode()


def certify(connection: Connection, campaign: Campaign) -> Certificate:
    """Draw up the certificate of a campaign, and hash anew all that can be."""
    content, variants = hash_content(connection, campaign)
    return Certificate(
        campaign,
        content,
        variants,
        Hashed(campaign.audience_hash, audience_hash(connection, campaign.id)),
        _recipients(connection, campaign.id),
        count(connection, campaign.id),
        _failures(connection, campaign.id),
        tuple(in_doubt(connection, campaign.id)),
        _decisions(connection, campaign.id),
        tuple(
            AcceptedLink(each.url, str(each.result.verdict), each.accepted.by, each.accepted.at)
            for each in links_of(connection, campaign.id)
            if each.accepted
        ),
        connection.scalar(
            select(func.max(delivery.c.settled_at)).where(delivery.c.campaign_id == campaign.id)
        ),
        erasures_in(connection, campaign.id),
    )


def _recipients(connection: Connection, campaign_id: int) -> dict[str, int]:
    rows = connection.execute(
        select(delivery.c.variant, func.count().label("number"))
        .where(delivery.c.campaign_id == campaign_id)
        .group_by(delivery.c.variant)
        .order_by(delivery.c.variant)
    )
    return {row.variant: row.number for row in rows}


def _failures(connection: Connection, campaign_id: int) -> tuple[Failures, ...]:
    number = func.count().label("number")
    rows = connection.execute(
        select(delivery.c.code, func.min(delivery.c.error).label("words"), number)
        .where(delivery.c.campaign_id == campaign_id, delivery.c.status == "failed")
        .group_by(delivery.c.code)
        .order_by(number.desc(), delivery.c.code)
    )
    return tuple(Failures(row.code, row.words, row.number) for row in rows)


def _decisions(connection: Connection, campaign_id: int) -> tuple[Decision, ...]:
    rows = connection.execute(
        select(delivery.c.error, delivery.c.status, func.count().label("number"))
        .where(
            delivery.c.campaign_id == campaign_id,
            delivery.c.error.startswith("settled by ", autoescape=True),
        )
        .group_by(delivery.c.error, delivery.c.status)
        .order_by(delivery.c.error, delivery.c.status)
    )
    return tuple(Decision(row.error, row.status, row.number) for row in rows)


def _hashed(hashed: Hashed) -> dict[str, object]:
    return {
        "sha256_when_frozen": hashed.stored,
        "sha256_now": hashed.now,
        "unchanged": hashed.holds,
    }


def _utc(moment: dt.datetime | None) -> str | None:
    return moment.astimezone(dt.UTC).isoformat() if moment else None
