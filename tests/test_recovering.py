"""Recovering: a dead sender's journal settles its letters, also those somebody put in doubt."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter_mailer.sending import batches, ledger
from newsletter_mailer.sending.batches import Hold
from newsletter_mailer.sending.journal import Journal
from newsletter_mailer.sending.recovering import new_owner, recover
from newsletter_mailer.sending.transports.contract import Outcome, Receipt
from newsletter_mailer.store.engine import writing
from tests.ledgers import Ledger, Scripted, open_ledger

LEASE = dt.timedelta(seconds=60)


@pytest.fixture
def desk(tmp_path: Path, database: str) -> Iterator[Ledger]:  # noqa: ARG001 - it sets the URL
    """A campaign to eight people in one batch."""
    made = open_ledger(tmp_path, 8)
    yield made
    made.engine.dispose()


def die_in_the_middle(desk: Ledger, *, uptime: str | None = None) -> Hold:
    """Claim everybody; begin four letters, have two answered, and die without a mark."""
    owner = new_owner(desk.campaign.id)
    now = desk.clock.now()
    with writing(desk.engine) as connection:
        hold = batches.take(connection, desk.campaign.id, owner, now, LEASE)
        assert hold is not None
        group = ledger.claim(connection, hold, now, LEASE, 100).group
    journal = (
        Journal(desk.journals, owner, lambda: uptime) if uptime else Journal(desk.journals, owner)
    )
    journal.expect([(each.subscriber_id, each.attempt) for each in group])
    for each in group[:4]:
        journal.begin(each.subscriber_id)
    journal.answer([Receipt(group[0].subscriber_id, Outcome.ACCEPTED)])
    journal.answer([Receipt(group[1].subscriber_id, Outcome.RETRY)])
    journal.close(done=False)
    return hold


def statuses(desk: Ledger) -> list[str]:
    """The states of all eight, in order."""
    return [status for _, status in sorted(desk.statuses().items())]


KNOWN = ["sent", "pending", "in_doubt", "in_doubt", *["pending"] * 4]


def test_the_journal_tells_each_letter_apart(desk: Ledger) -> None:
    """Answered is sent, refused or never begun is pending, begun and unanswered is in doubt."""
    die_in_the_middle(desk)
    recover(desk.engine, desk.campaign.id, Scripted(), desk.journals, desk.clock.now())
    assert statuses(desk) == KNOWN
    assert list(desk.journals.iterdir()) == []


def test_what_a_new_owner_put_in_doubt_is_settled_too(desk: Ledger) -> None:
    """Robbed of its batch before it died, a sender is still believed by its journal."""
    die_in_the_middle(desk)
    with writing(desk.engine) as connection:
        later = desk.clock.now() + 2 * LEASE
        assert batches.take(connection, desk.campaign.id, "another", later, LEASE)
    assert statuses(desk) == ["in_doubt"] * 8
    recover(desk.engine, desk.campaign.id, Scripted(), desk.journals, desk.clock.now())
    assert statuses(desk) == KNOWN
    transport = Scripted()
    desk.send(transport)
    assert desk.counts().pending == 0
    assert sorted(transport.has.values()) == [1] * 5


def test_a_journal_of_another_uptime_settles_nothing(desk: Ledger) -> None:
    """After the machine was started anew, all that was claimed is in doubt."""
    die_in_the_middle(desk, uptime="an earlier one")
    recover(desk.engine, desk.campaign.id, Scripted(), desk.journals, desk.clock.now())
    assert statuses(desk) == ["in_doubt"] * 8
    assert list(desk.journals.iterdir()) == []


def test_an_operators_decision_stands(desk: Ledger) -> None:
    """A journal that comes to light later changes nothing that was settled meanwhile."""
    die_in_the_middle(desk)
    kept = {path.name: path.read_bytes() for path in desk.journals.iterdir()}
    recover(desk.engine, desk.campaign.id, Scripted(), desk.journals, desk.clock.now())
    with writing(desk.engine) as connection:
        connection.exec_driver_sql(
            "UPDATE delivery SET status = 'skipped' WHERE status = 'in_doubt'"
        )
    before = statuses(desk)
    for name, content in kept.items():
        (desk.journals / name).write_bytes(content)
    recover(desk.engine, desk.campaign.id, Scripted(), desk.journals, desk.clock.now())
    assert statuses(desk) == before
