"""Generated events, and a model that says what must become of them, order and repeats aside.

The model knows what each event was generated to mean. It reads no word of the provider's.
"""

import datetime as dt
import json
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.ledgers import NOW
from tests.tracked import BETWEEN, Sendgrid

SOFT_LIMIT, SOFT_DAYS = 3, 100

ORDER = (
    "processed", "deferred", "dropped", "delivered", "blocked", "soft_bounced", "bounced",
    "complained",
)  # fmt: skip
"""The states, from the one that gives way to all to the one that gives way to none."""

MEANINGS: dict[str, tuple[str, tuple[dict[str, Any], ...]]] = {
    "processed": ("processed", ({"event": "processed"},)),
    "deferred": ("deferred", ({"event": "deferred", "response": "450 4.2.1 later"},)),
    "delivered": (
        "delivered",
        ({"event": "delivered"}, {"event": "open", "useragent": "curl/8", "ip": "192.0.2.1"}),
    ),
    "dropped": ("dropped", ({"event": "dropped", "reason": "Spam Content"},)),
    "dropped dead": ("dropped", ({"event": "dropped", "reason": "Bounced Address"},)),
    "dropped complained": ("dropped", ({"event": "dropped", "reason": "Spam Reporting Address"},)),
    "ours": (
        "blocked",
        (
            {"event": "bounce", "type": "blocked", "status": "5.7.1", "reason": "550 5.7.1 DMARC"},
            {"event": "bounce", "type": "bounce", "status": "5.7.26", "reason": "blocked IP"},
            {"event": "bounce", "type": "blocked", "bounce_classification": "Reputation"},
        ),
    ),
    "soft": (
        "soft_bounced",
        (
            {"event": "bounce", "type": "blocked", "status": "5.2.2", "reason": "mailbox full"},
            {"event": "bounce", "type": "blocked", "status": "4.4.1"},
            {"event": "bounce", "type": "bounce", "bounce_classification": "Mailbox Unavailable"},
        ),
    ),
    "hard": (
        "bounced",
        (
            {"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "no such user"},
            {"event": "bounce", "type": "bounce", "status": "5.0.0", "reason": "500 unknown"},
            {"event": "bounce", "type": "bounce", "bounce_classification": "Invalid Address"},
        ),
    ),
    "complained": ("complained", ({"event": "spamreport"},)),
    "left": ("delivered", ({"event": "unsubscribe"}, {"event": "group_unsubscribe"})),
    "nothing": ("", ({"event": "group_resubscribe"}, {"event": "a new word"})),
}
_WEIGHTS = (30, 10, 40, 2, 1, 1, 4, 8, 1, 1, 1, 1)


@dataclass
class Model:
    """What must be the case in the end."""

    states: dict[tuple[int, int], str] = field(default_factory=dict)
    soft: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    left: set[int] = field(default_factory=set)
    reasons: dict[int, str] = field(default_factory=dict)
    touched: set[tuple[int, int]] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)

    def add(self, meaning: str, event: Mapping[str, Any]) -> None:
        """Count an event, which may have been counted before."""
        self.ids.add(event["sg_event_id"])
        campaign, person = int(event["campaign"].removeprefix("token")), int(event["delivery"])
        if campaign > 50:  # another sender's, with the same provider
            return
        self.touched.add((campaign, person))
        state = MEANINGS[meaning][0]
        known = self.states.get((campaign, person), "")
        if state and (not known or ORDER.index(state) > ORDER.index(known)):
            self.states[campaign, person] = state
        if meaning == "left":
            self.left.add(person)
        if meaning in {"complained", "dropped complained"}:
            self.reasons[person] = "complaint"
        if meaning in {"hard", "dropped dead"}:
            self.reasons.setdefault(person, "bounce")
        if meaning == "soft":
            self.soft[person].add(campaign)

    def suppressed(self) -> dict[str, str]:
        """The reason of each suppression, by address."""
        found = dict(self.reasons)
        for person, campaigns in self.soft.items():
            times = [BETWEEN * campaign for campaign in campaigns]
            for first in times:
                within = [t for t in times if 0 <= (t - first).days <= SOFT_DAYS]
                if len(within) >= SOFT_LIMIT:
                    found.setdefault(person, "bounce")
        return {f"reader{person}@example.org": reason for person, reason in found.items()}


@dataclass(frozen=True)
class Request:
    """A request as somebody makes it. `good` is whether the provider made it, and of late."""

    body: bytes
    headers: Mapping[str, str]
    good: bool


def generate(
    number: int, people: int, campaigns: int, provider: Sendgrid, seed: int, largest: int = 1_000
) -> tuple[list[Request], Model]:
    """Requests with so many different events, a fifth of them twice, and what they must do.

    They come in random order. Between them are forged and altered ones.
    """
    chance = random.Random(seed)  # noqa: S311 - test data
    model, events = Model(), []
    for at in range(number):
        meaning = chance.choices(tuple(MEANINGS), _WEIGHTS)[0]
        event = _event(chance, meaning, at, people, campaigns)
        model.add(meaning, event)
        events.append(event)
    events += chance.sample(events, number // 5)
    chance.shuffle(events)
    return list(_requests(chance, events, people, provider, largest)), model


def _event(
    chance: random.Random, meaning: str, at: int, people: int, campaigns: int
) -> dict[str, Any]:
    campaign = chance.randint(1, campaigns) if chance.random() < 0.98 else 99
    return {
        "email": "reader@example.org",
        "timestamp": int(NOW.timestamp()) - chance.randint(0, 300 * 86_400),
        "sg_event_id": f"e{at}",
        "campaign": f"token{campaign}",
        "delivery": str(chance.randint(1, people)),
        **chance.choice(MEANINGS[meaning][1]),
    }


def _requests(
    chance: random.Random,
    events: list[dict[str, Any]],
    people: int,
    provider: Sendgrid,
    largest: int,
) -> Iterator[Request]:
    stranger, at = Sendgrid(), 0
    while at < len(events):
        size = chance.randint(1, largest)
        body = json.dumps(events[at : at + size]).encode()
        at += size
        yield Request(body, provider.headers(body, NOW), good=True)
        if chance.random() < 0.3:
            lie = _event(chance, "hard", -at, people, 1) | {"sg_event_id": f"lie{at}"}
            forged = json.dumps([lie]).encode()
            honest = provider.headers(body, NOW)
            late = NOW - dt.timedelta(hours=26)
            yield from (
                Request(forged, stranger.headers(forged, NOW), good=False),
                Request(forged, honest, good=False),
                Request(
                    body.replace(b"delivered", b"bouncedxx"), honest, good=b"delivered" not in body
                ),
                Request(forged, provider.headers(forged, late), good=False),
                Request(forged, {}, good=False),
            )
