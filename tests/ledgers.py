"""Ledgers for tests: small campaigns in real databases, and a transport that keeps the truth."""

import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, select

from newsletter_mailer.audience.segment import Segment
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.compiling.merge import Segments
from newsletter_mailer.errors import TransportError
from newsletter_mailer.sending.campaign import Campaign, find_campaign
from newsletter_mailer.sending.counting import Counts, count
from newsletter_mailer.sending.freezing import Order, freeze
from newsletter_mailer.sending.letters import Letters
from newsletter_mailer.sending.personal_links import PersonalLinks
from newsletter_mailer.sending.recipients import recipients
from newsletter_mailer.sending.rules import Rules, rules_of
from newsletter_mailer.sending.running import Dispatch, Ending, run
from newsletter_mailer.sending.transports.contract import (
    Begin,
    Capabilities,
    Letter,
    Outcome,
    Receipt,
    Transport,
)
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.engine import open_store, reading, writing
from newsletter_mailer.store.tables import batch, delivery, subscriber
from tests.databases import empty_database
from tests.projects import HEAD, article, read, small_registry

NOW = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
"""A Monday."""

LEASE = dt.timedelta(seconds=60)

EVERYONE = Segment((), ())


def settings_for(folder: Path, **send: object) -> Settings:
    """Settings of a small office in `folder`, with these for sending.

    A database that is locked is waited for only a moment.
    """
    return Settings.model_validate(
        {
            "root": folder,
            "database_wait": 0.5,
            "base_url": "https://newsletter.example.org",
            "office": {
                "name": "Office",
                "address": ["1 High Street"],
                "phone": "0116 000 0000",
                "email": "office@example.org",
                "website": "https://office.example.org/",
            },
            "sender": {"name": "Office", "address": "office@example.org"},
            "send": send,
        }
    )


@dataclass
class Clock:
    """The time of day, which tests move, and a clock that only goes on."""

    ahead: dt.timedelta = dt.timedelta()
    began: float = field(default_factory=time.monotonic)

    def now(self) -> dt.datetime:
        """The time of day."""
        return NOW + self.ahead + dt.timedelta(seconds=time.monotonic() - self.began)

    def jump(self, **by: float) -> None:
        """Move the time of day."""
        self.ahead += dt.timedelta(**by)


@dataclass
class Ledger:
    """A campaign in a database, the clock it is sent by, and ways to look at it."""

    engine: Engine
    settings: Settings
    campaign: Campaign
    clock: Clock

    def rows(self) -> dict[int, Any]:
        """The deliveries, by subscriber."""
        with reading(self.engine) as connection:
            found = connection.execute(
                select(delivery).where(delivery.c.campaign_id == self.campaign.id)
            )
            return {row.subscriber_id: row for row in found}

    def statuses(self) -> dict[int, str]:
        """The status of each delivery."""
        return {number: row.status for number, row in self.rows().items()}

    def counts(self) -> Counts:
        """The counts of the campaign."""
        with reading(self.engine) as connection:
            return count(connection, self.campaign.id)

    def batches(self) -> list[Any]:
        """The batches, by number."""
        with reading(self.engine) as connection:
            return list(
                connection.execute(
                    select(batch)
                    .where(batch.c.campaign_id == self.campaign.id)
                    .order_by(batch.c.number)
                )
            )

    def now(self) -> Campaign:
        """The campaign as it stands."""
        with reading(self.engine) as connection:
            return find_campaign(connection, self.campaign.name)

    @property
    def journals(self) -> Path:
        """Where its journals are."""
        return self.settings.state / "journals"

    def rules(self, **changes: Any) -> Rules:  # noqa: ANN401 - any field of the rules
        """The rules it is sent by; letters refused for now are not waited for."""
        made = rules_of(self.now(), self.settings, clock=self.clock.now)
        return replace(made, **{"patience": dt.timedelta(0), **changes})

    def send(
        self,
        transport: Transport,
        *,
        stop: threading.Event | None = None,
        waiting: Callable[[dt.datetime], None] = lambda _until: None,
        progress: Callable[[int], None] = lambda _number: None,
        **changes: Any,  # noqa: ANN401 - any field of the rules
    ) -> Ending:
        """Run it until nothing can go now."""
        with reading(self.engine) as connection:
            letters = Letters(
                connection,
                self.now(),
                self.settings,
                PersonalLinks(self.settings.base_url, "k" * 32),
            )
        dispatch = Dispatch(
            self.engine, self.campaign.id, transport, letters, self.journals, self.rules(**changes)
        )
        return run(
            dispatch,
            stop=stop or threading.Event(),
            progress=progress,
            waiting=waiting,
        )


def add_people(engine: Engine, people: int, **values: object) -> None:
    """So many subscribers of one agency."""
    with writing(engine) as connection:
        connection.execute(
            insert(subscriber),
            [
                {
                    "email": f"reader{n}@example.org",
                    "email_key": f"reader{n}@example.org",
                    "name": f"Reader {n}",
                    "agency": "gp",
                    "status": "active",
                    "source": "test",
                    "created_at": NOW,
                    "changed_at": NOW,
                    **values,
                }
                for n in range(1, people + 1)
            ],
        )


def small_email() -> CompiledEmail:
    """One variant for all agencies of the small registry."""
    return CompiledEmail(
        name="a",
        agencies=tuple(small_registry().by_id),
        subject=Segments.of("News for {{first_name}}"),
        html=Segments.of('<p>{{greeting}}</p><a href="{{unsubscribe_url}}">leave</a>'),
        text=Segments.of("{{greeting}}\n{{unsubscribe_url}}\n"),
        images=(),
        calendars=(),
    )


def freeze_for(
    folder: Path,
    engine: Engine,
    settings: Settings,
    *,
    wanted: Segment = EVERYONE,
    start: dt.datetime | None = None,
    canary: int = 0,
) -> Campaign:
    """A campaign of issue 7 to all subscribers."""
    issue, _ = read(folder, {"news": article("Text.")}, head=HEAD + "articles: [news]\n")
    emails = (small_email(),)
    chosen = recipients(issue.name, wanted, emails, small_registry(), now=NOW)
    with writing(engine) as connection:
        return freeze(
            connection,
            issue,
            emails,
            small_registry(),
            settings,
            order=Order(chosen, "tests", start, canary),
            now=NOW,
        )


def store_of(settings: Settings) -> Engine:
    """A project's database; a new one is a copy. Whoever opens it disposes of its engine."""
    database = settings.state / "newsletter.db"
    if not settings.database_url and not database.exists():
        settings.state.mkdir(parents=True, exist_ok=True)
        database.write_bytes(empty_database())
    return open_store(settings)


def open_ledger(
    folder: Path,
    people: int,
    *,
    start: dt.datetime | None = None,
    canary: int = 0,
    **send: object,
) -> Ledger:
    """A campaign to so many people. Whoever opens it disposes of its engine."""
    settings = settings_for(folder, **send)
    engine = store_of(settings)
    add_people(engine, people)
    campaign = freeze_for(folder, engine, settings, start=start, canary=canary)
    return Ledger(engine, settings, campaign, Clock())


class CrashError(Exception):
    """What nobody foresaw."""


Answer = Outcome | str
"""An outcome, or `dead`, `broken` (the way is gone), `crash` or `crash after`."""


@dataclass
class Scripted:
    """A transport that does as it is told, and keeps the truth of what the other side has.

    It hands over `width` letters at a time. `broken` raises a TransportError when all else in
    hand was answered; `crash` raises something unforeseen, with letters begun and unanswered:
    the other side has them after `crash after`.
    """

    answer: Callable[[Letter], Answer] = lambda _letter: Outcome.ACCEPTED
    width: int = 1
    between: Callable[[Letter], None] = lambda _letter: None
    name: str = "scripted"
    capabilities: Capabilities = field(default_factory=Capabilities)
    has: Counter[int] = field(default_factory=Counter)
    silent: set[int] = field(default_factory=set)
    """Letters that were begun and never answered."""

    dead: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    doubtful: set[int] = field(default_factory=set)
    at: list[float] = field(default_factory=list)
    """When each letter was taken, on the monotonic clock."""

    def send(self, letters: Iterator[Letter | None], begin: Begin) -> Iterator[Sequence[Receipt]]:
        """See the contract."""
        hand: list[Letter] = []
        for letter in letters:
            if letter is not None:
                self.at.append(time.monotonic())
                self.between(letter)
                hand.append(letter)
            else:
                time.sleep(0.001)
            if len(hand) == self.width or (letter is None and hand):
                yield from self._hand_over(hand, begin)
                hand = []
        yield from self._hand_over(hand, begin)

    def _hand_over(self, hand: list[Letter], begin: Begin) -> Iterator[Sequence[Receipt]]:
        broken = False
        for at, letter in enumerate(hand):
            number = letter.subscriber_id
            answer = Outcome.UNSENT if broken else self.answer(letter)
            if answer == "broken":
                broken, answer = True, Outcome.UNSENT
            if answer is not Outcome.UNSENT:
                assert letter.content()
                begin(number)
            if answer in {"crash", "crash after"}:
                self.silent.add(number)
                self.has[number] += answer == "crash after"
                for other in hand[at + 1 :: 2]:  # every other one was on its way, too
                    begin(other.subscriber_id)
                    self.silent.add(other.subscriber_id)
                    self.has[other.subscriber_id] += 1
                raise CrashError
            yield [self._receipt(number, answer)]
        if broken:
            raise TransportError("The way is gone.")

    def _receipt(self, number: int, answer: Answer) -> Receipt:
        if answer == "dead":
            self.dead.add(number)
            return Receipt(number, Outcome.REJECTED, "5.1.1", "no such user", dead=True)
        outcome = Outcome(answer)
        if outcome is Outcome.ACCEPTED:
            self.has[number] += 1
        elif outcome is Outcome.REJECTED:
            self.refused.add(number)
        elif outcome is Outcome.IN_DOUBT:
            self.doubtful.add(number)
        return Receipt(number, outcome, detail="" if outcome is Outcome.ACCEPTED else "as told")

    def taken(self, subscriber_ids: Iterable[int]) -> Mapping[int, bool]:
        """It cannot tell, as most."""
        del subscriber_ids
        return {}
