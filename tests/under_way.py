"""Campaigns brought to where a test needs them, through the ledger's own functions."""

import datetime as dt
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Engine

from newsletter_mailer.sending import batches, ledger
from newsletter_mailer.sending.batches import Hold
from newsletter_mailer.sending.campaign import Campaign, find_campaign
from newsletter_mailer.sending.fate import Mark, Retries
from newsletter_mailer.sending.ledger import Delivery
from newsletter_mailer.sending.rules import wall_clock
from newsletter_mailer.sending.transports.contract import Outcome, Receipt
from newsletter_mailer.settings import load_settings
from newsletter_mailer.store.engine import open_store, reading, writing
from tests.office import Office

LEASE = dt.timedelta(minutes=1)

GONE = ("5.1.1", "550 5.1.1 there is no such reader")
"""The reply to an address that nobody has, in code and words."""


@contextmanager
def store(office: Office) -> Iterator[Engine]:
    """The office's database."""
    engine = open_store(load_settings(office.folder))
    try:
        yield engine
    finally:
        engine.dispose()


def freeze(office: Office, *words: str) -> Path:
    """Freeze a campaign of issue 6 of which nothing can leave; give back what is in the way."""
    blocker = office.folder / "var" / "outbox"
    blocker.write_text("", encoding="utf-8")
    failed = office.run("send", "6", "--yes", *words)
    assert "cannot be written" in failed.err, failed
    return blocker


def campaign_of(office: Office) -> Campaign:
    """The campaign of issue 6 as the ledger has it."""
    with store(office) as engine, reading(engine) as connection:
        return find_campaign(connection, "6")


class Claimed:
    """Letters on their way, out of one batch."""

    def __init__(self, office: Office, hold: Hold, group: tuple[Delivery, ...]) -> None:
        self._office = office
        self._hold = hold
        self.group = group

    def answered(
        self, outcomes: Mapping[Outcome, int], *, now: dt.datetime | None = None
    ) -> list[str]:
        """Write down so many of each outcome, and let the batch go; the addresses in order."""
        now = now or wall_clock()
        wanted = [outcome for outcome, number in outcomes.items() for _ in range(number)]
        marks = [
            Mark(_receipt(each.subscriber_id, outcome), each.attempt)
            for each, outcome in zip(self.group, wanted, strict=True)
        ]
        with store(self._office) as engine, writing(engine) as connection:
            retries = Retries(dt.timedelta(minutes=1), now + dt.timedelta(days=3))
            ledger.mark(connection, self._hold, marks, now, retries)
            batches.close(connection, self._hold)
        return [each.email for each in self.group]


def claim(office: Office, most: int, *, now: dt.datetime | None = None) -> Claimed:
    """Take a batch and claim so many letters of it, as a sender does."""
    now = now or wall_clock()
    with store(office) as engine, writing(engine) as connection:
        hold = batches.take(connection, find_campaign(connection, "6").id, "test", now, LEASE)
        assert hold is not None
        return Claimed(office, hold, ledger.claim(connection, hold, now, LEASE, most).group)


def _receipt(number: int, outcome: Outcome) -> Receipt:
    if outcome is Outcome.REJECTED:
        return Receipt(number, outcome, code=GONE[0], detail=GONE[1])
    if outcome is Outcome.IN_DOUBT:
        return Receipt(number, outcome, detail="the connection broke after the last dot")
    if outcome is Outcome.RETRY:
        return Receipt(number, outcome, code="4.7.0", detail="451 4.7.0 later, please")
    return Receipt(number, outcome)


def tamper(office: Office, statement: str) -> None:
    """Change the database behind the program's back."""
    with closing(sqlite3.connect(office.folder / "var" / "newsletter.db")) as database, database:
        assert database.execute(statement).rowcount > 0
