"""Batches: leases and fences between owners, and what late answers still change."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, update

from newsletter_mailer.errors import UsageError
from newsletter_mailer.sending import batches, control, doubt
from newsletter_mailer.sending.batches import Hold
from newsletter_mailer.sending.doubt import Settlement
from newsletter_mailer.sending.fate import LEAST_TRIES, Mark, Retries
from newsletter_mailer.sending.ledger import Claim, claim, mark
from newsletter_mailer.sending.transports.contract import Outcome, Receipt
from newsletter_mailer.store.engine import writing
from newsletter_mailer.store.tables import delivery
from tests.ledgers import LEASE, NOW, Ledger, open_ledger

RETRIES = Retries(dt.timedelta(minutes=1), NOW + dt.timedelta(hours=72))
LATER = NOW + LEASE + dt.timedelta(seconds=1)
"""After a lease that began at NOW."""


@pytest.fixture
def ledger(tmp_path: Path, database: str) -> Iterator[Ledger]:  # noqa: ARG001 - it sets the URL
    """A campaign to six people in two batches."""
    made = open_ledger(tmp_path, 6, batch_size=3)
    yield made
    made.engine.dispose()


def take(ledger: Ledger, owner: str, now: dt.datetime = NOW) -> Hold | None:
    """Take the next free batch."""
    with writing(ledger.engine) as connection:
        return batches.take(connection, ledger.campaign.id, owner, now, LEASE)


def must_take(ledger: Ledger, owner: str, now: dt.datetime = NOW) -> Hold:
    """Take a batch that must be free."""
    hold = take(ledger, owner, now)
    assert hold is not None
    return hold


def claim_of(ledger: Ledger, hold: Hold, now: dt.datetime = NOW, most: int = 10) -> Claim:
    """Claim a group."""
    with writing(ledger.engine) as connection:
        return claim(connection, hold, now, LEASE, most)


def tell(ledger: Ledger, hold: Hold, numbers: list[int], outcome: Outcome) -> None:
    """Mark letters as a transport would."""
    with writing(ledger.engine) as connection:
        marks = [Mark(Receipt(number, outcome, detail="said"), 1) for number in numbers]
        mark(connection, hold, marks, LATER, RETRIES)


def close(ledger: Ledger, hold: Hold) -> None:
    """Let go of a batch."""
    with writing(ledger.engine) as connection:
        batches.close(connection, hold)


def finish_with_doubt(ledger: Ledger) -> tuple[Hold, Hold]:
    """The old owner loses both batches with all letters out; the new one ends the campaign."""
    old = [must_take(ledger, "old"), must_take(ledger, "old")]
    for hold in old:
        claim_of(ledger, hold)
    for _ in old:
        new = must_take(ledger, "new", LATER)
        assert claim_of(ledger, new, LATER).group == ()
        close(ledger, new)
    with writing(ledger.engine) as connection:
        assert control.finish(connection, ledger.campaign.id, LATER)
    assert set(ledger.statuses().values()) == {"in_doubt"}
    return old[0], old[1]


def test_each_batch_is_taken_once(ledger: Ledger) -> None:
    """Two owners get different batches, and a third gets none."""
    first, second = must_take(ledger, "one"), must_take(ledger, "two")
    assert {first.number, second.number} == {1, 2}
    assert take(ledger, "three") is None
    assert {(row.owner, row.epoch, row.state) for row in ledger.batches()} == {
        ("one", 1, "running"),
        ("two", 1, "running"),
    }


def test_a_lease_that_is_renewed_keeps_the_batch(ledger: Ledger) -> None:
    """Renewed in time, a batch is nobody else's; when its lease runs out it is free."""
    hold = must_take(ledger, "one")
    must_take(ledger, "one")
    half = NOW + LEASE / 2
    with writing(ledger.engine) as connection:
        assert batches.renew(connection, hold, half, LEASE)
    taken = must_take(ledger, "two", LATER)
    assert taken.number == 2  # its lease was not renewed
    assert take(ledger, "two", LATER) is None
    assert must_take(ledger, "three", half + LEASE * 1.1).number == hold.number


def test_a_claim_renews_the_lease(ledger: Ledger) -> None:
    """Whoever claims a group has the batch for a whole lease from then on."""
    hold = must_take(ledger, "one")
    claim_of(ledger, hold, NOW + LEASE / 2, most=1)
    assert ledger.batches()[0].lease_until == NOW + LEASE * 1.5


def test_a_claim_says_whether_there_is_more(ledger: Ledger) -> None:
    """One at a time, all but the last claim of a batch say that more can be claimed."""
    hold = must_take(ledger, "owner")
    told = [claim_of(ledger, hold, most=1) for _ in range(3)]
    assert [(len(each.group), each.more) for each in told] == [(1, True), (1, True), (1, False)]
    assert claim_of(ledger, hold) == Claim()


def test_the_old_owner_can_claim_nothing_more(ledger: Ledger) -> None:
    """Behind the fence a claim is refused, the lease is not renewed, the batch not closed."""
    old = must_take(ledger, "old")
    claim_of(ledger, old, most=2)
    new = must_take(ledger, "new", LATER)
    assert (new.number, new.epoch) == (old.number, old.epoch + 1)
    refused = claim_of(ledger, old, LATER)
    assert (refused.held, refused.group) == (False, ())
    with writing(ledger.engine) as connection:
        assert not batches.renew(connection, old, LATER, LEASE)
    close(ledger, old)
    row = ledger.batches()[0]
    assert (row.state, row.owner, row.epoch) == ("running", "new", new.epoch)
    assert sorted(ledger.statuses().values()) == ["in_doubt"] * 2 + ["pending"] * 4


def test_what_is_surely_sent_counts_though_it_was_given_up(ledger: Ledger) -> None:
    """The old owner's late ACCEPT settles its own letters that went into doubt."""
    old = must_take(ledger, "old")
    group = claim_of(ledger, old).group
    must_take(ledger, "new", LATER)
    tell(ledger, old, [group[0].subscriber_id], Outcome.ACCEPTED)
    tell(ledger, old, [group[1].subscriber_id], Outcome.REJECTED)
    tell(ledger, old, [group[2].subscriber_id], Outcome.IN_DOUBT)
    statuses = ledger.statuses()
    assert [statuses[each.subscriber_id] for each in group] == ["sent", "failed", "in_doubt"]


@pytest.mark.parametrize(
    ("outcome", "status"), [(Outcome.UNSENT, "pending"), (Outcome.RETRY, "deferred")]
)
def test_letters_that_come_back_late_open_batch_and_campaign(
    ledger: Ledger, outcome: Outcome, status: str
) -> None:
    """After the end, the old owner's UNSENT or RETRY gives a letter back, and all goes on."""
    old, _ = finish_with_doubt(ledger)
    assert ledger.now().state == "done"
    number = next(n for n, row in ledger.rows().items() if row.batch == old.number)
    tell(ledger, old, [number], outcome)
    assert ledger.statuses()[number] == status
    assert ledger.now().state == "sending"
    assert ledger.now().finished_at is None
    assert [row.state for row in ledger.batches()] == ["ready", "done"]
    due = LATER + dt.timedelta(hours=1)
    again = claim_of(ledger, must_take(ledger, "third", due), due)
    assert [each.subscriber_id for each in again.group] == [number]


@pytest.mark.parametrize("outcome", [Outcome.UNSENT, Outcome.RETRY])
def test_letters_that_come_back_after_a_cancel_are_skipped(
    ledger: Ledger, outcome: Outcome
) -> None:
    """In a cancelled campaign nothing stays open, whoever gives it back and when."""
    old = must_take(ledger, "old")
    claim_of(ledger, old)
    with writing(ledger.engine) as connection:
        assert control.cancel(connection, ledger.campaign.id, NOW, "wrong text") == 3
    tell(ledger, old, [each for each in ledger.rows() if each <= 3], outcome)
    assert set(ledger.statuses().values()) == {"skipped"}
    assert ledger.now().state == "cancelled"


@pytest.mark.parametrize("outcome", list(Outcome))
def test_late_marks_never_touch_what_was_claimed_anew(ledger: Ledger, outcome: Outcome) -> None:
    """A letter that the new owner has claimed is the new owner's alone."""
    old = must_take(ledger, "old")
    (first,) = claim_of(ledger, old, most=1).group
    new = must_take(ledger, "new", LATER)
    tell(ledger, old, [first.subscriber_id], Outcome.UNSENT)
    again = claim_of(ledger, new, LATER, most=1).group
    assert [each.subscriber_id for each in again] == [first.subscriber_id]
    before = ledger.rows()[first.subscriber_id]
    tell(ledger, old, [first.subscriber_id], outcome)
    assert ledger.rows()[first.subscriber_id] == before


def test_an_owner_never_takes_over_its_own_batch(ledger: Ledger) -> None:
    """A clock put forward by an hour makes no owner doubt its own letters."""
    hold = must_take(ledger, "one")
    claim_of(ledger, hold)
    must_take(ledger, "one")
    assert take(ledger, "one", NOW + dt.timedelta(hours=1)) is None
    assert "in_doubt" not in ledger.statuses().values()
    with writing(ledger.engine) as connection:
        assert batches.renew(connection, hold, NOW + dt.timedelta(hours=1), LEASE)
        assert batches.next_due(connection, ledger.campaign.id, "one") is None
        # The hold was renewed, so the other one's lease is the next to run out.
        assert batches.next_due(connection, ledger.campaign.id, "two") == NOW + LEASE


def test_a_batch_with_letters_to_be_tried_again_waits_for_them(ledger: Ledger) -> None:
    """It is ready, but taken only when the first of them is due."""
    hold = must_take(ledger, "one")
    numbers = [each.subscriber_id for each in claim_of(ledger, hold).group]
    tell(ledger, hold, numbers[:2], Outcome.RETRY)
    tell(ledger, hold, numbers[2:], Outcome.ACCEPTED)
    close(ledger, hold)
    row = ledger.batches()[0]
    due = LATER + RETRIES.first
    assert (row.state, row.next_at, row.owner) == ("ready", due, "")
    assert must_take(ledger, "two", LATER).number == 2
    assert take(ledger, "three", due - dt.timedelta(seconds=1)) is None
    again = claim_of(ledger, must_take(ledger, "three", due), due).group
    assert [each.subscriber_id for each in again] == numbers[:2]
    assert [each.attempt for each in again] == [2, 2]


@pytest.mark.parametrize("state", ["paused", "cancelled"])
def test_a_campaign_that_is_stopped_gives_nothing_out(ledger: Ledger, state: str) -> None:
    """Neither a batch is taken, nor a group of a batch in hand claimed."""
    hold = must_take(ledger, "one")
    with writing(ledger.engine) as connection:
        if state == "paused":
            assert control.pause(connection, ledger.campaign.id, "")
        else:
            control.cancel(connection, ledger.campaign.id, NOW, "")
    got = claim_of(ledger, hold)
    assert (got.running, got.group) == (False, ())
    assert take(ledger, "two") is None


def test_doubt_can_be_settled_in_four_ways(ledger: Ledger) -> None:
    """By address: sent, failed and skipped end it; resend opens the campaign again."""
    finish_with_doubt(ledger)
    people = {row.email: number for number, row in ledger.rows().items()}
    emails = sorted(people)
    ways = [Settlement.SENT, Settlement.FAILED, Settlement.SKIP, Settlement.RESEND]
    with writing(ledger.engine) as connection:
        for email, how in zip(emails, ways, strict=False):
            found = doubt.settle(
                connection, ledger.campaign.id, how, LATER, emails=[email], by="operator"
            )
            assert found == 1
            again = doubt.settle(
                connection, ledger.campaign.id, how, LATER, emails=[email], by="operator"
            )
            assert again == 0
        assert len(doubt.in_doubt(connection, ledger.campaign.id)) == 2
    statuses = ledger.statuses()
    assert [statuses[people[email]] for email in emails] == [
        "sent",
        "failed",
        "skipped",
        "pending",
        "in_doubt",
        "in_doubt",
    ]
    assert ledger.now().state == "sending"
    assert sum(row.state == "ready" for row in ledger.batches()) == 1


def test_nothing_of_a_cancelled_campaign_is_sent_again(ledger: Ledger) -> None:
    """Doubt in it can be settled, but not by another try."""
    old = must_take(ledger, "old")
    claim_of(ledger, old)
    tell(ledger, old, [1, 2, 3], Outcome.IN_DOUBT)
    with writing(ledger.engine) as connection:
        control.cancel(connection, ledger.campaign.id, NOW, "")

    def settle(connection: Connection, how: Settlement) -> int:
        return doubt.settle(connection, ledger.campaign.id, how, LATER, by="operator")

    with writing(ledger.engine) as connection:
        with pytest.raises(UsageError, match="cancelled"):
            settle(connection, Settlement.RESEND)
        assert settle(connection, Settlement.SKIP) == 3


def test_the_pauses_between_tries_grow_and_end() -> None:
    """1, 4, 16, 64 minutes, then 4 hours each, and nothing after 72 hours."""
    pauses = [RETRIES.next_try(attempt, None, NOW) for attempt in range(1, 7)]
    assert [(due - NOW).total_seconds() / 60 for due in pauses if due] == [1, 4, 16, 64, 240, 240]
    late = RETRIES.give_up_at - dt.timedelta(minutes=3)
    assert RETRIES.next_try(LEAST_TRIES, None, late) is None
    assert RETRIES.next_try(1, 600, NOW) == NOW + dt.timedelta(minutes=10)


def test_no_number_of_attempts_and_no_wish_is_too_large() -> None:
    """A letter that was claimed a thousand times over still gets a time, or none."""
    slow = Retries(dt.timedelta(days=1), NOW + dt.timedelta(days=30))
    assert slow.next_try(1000, None, NOW) == NOW + dt.timedelta(hours=4)
    assert RETRIES.next_try(1000, 1e300, NOW) is None


def test_a_letter_whose_turn_came_late_is_tried_again_nonetheless() -> None:
    """At a slow rate its first attempt may be after 72 hours; one refusal does not end it."""
    late = RETRIES.give_up_at + dt.timedelta(hours=5)
    assert RETRIES.next_try(1, None, late) == late + RETRIES.first
    assert RETRIES.next_try(LEAST_TRIES, None, late) is None


def test_an_erased_person_gets_nothing(ledger: Ledger) -> None:
    """Somebody who is no longer in the list is left out when the group is claimed."""
    with writing(ledger.engine) as connection:
        connection.exec_driver_sql("DELETE FROM subscriber WHERE id = 1")
    hold = must_take(ledger, "one")
    got = claim_of(ledger, hold)
    assert (len(got.group), got.suppressed) == (2, 1)
    assert ledger.statuses()[1] == "suppressed"


def test_a_group_of_none_but_departed_is_passed_over(ledger: Ledger) -> None:
    """A claim goes on to the next readers where all of its group have left."""
    with writing(ledger.engine) as connection:
        connection.exec_driver_sql("UPDATE subscriber SET status = 'unsubscribed' WHERE id < 3")
        connection.execute(update(delivery).values(batch=1))
    got = claim_of(ledger, must_take(ledger, "one"), most=2)
    assert [each.subscriber_id for each in got.group] == [3, 4]
    assert got.suppressed == 2
