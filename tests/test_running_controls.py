"""A campaign under way: paused, cancelled, watched, scheduled, slowed down, and put to the test."""

import datetime as dt
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import select, update

from newsletter_mailer.errors import SendingError, StoreError
from newsletter_mailer.sending import control
from newsletter_mailer.sending.batches import take
from newsletter_mailer.sending.ledger import claim
from newsletter_mailer.sending.running import sole_sender
from newsletter_mailer.sending.transports.contract import Letter, Outcome
from newsletter_mailer.store.engine import reading, writing
from newsletter_mailer.store.tables import batch, suppression
from tests.ledgers import LEASE, NOW, Answer, Ledger, Scripted, open_ledger

Make = Callable[..., Ledger]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes a campaign to so many people."""
    made: list[Ledger] = []

    def one(people: int, **options: object) -> Ledger:
        made.append(open_ledger(tmp_path, people, **options))  # type: ignore[arg-type] # passed on
        return made[-1]

    yield one
    for each in made:
        each.engine.dispose()


def move(ledger: Ledger, what: str) -> None:
    """Pause, resume or cancel the campaign, as its own command does."""
    with writing(ledger.engine) as connection:
        number, now = ledger.campaign.id, ledger.clock.now()
        if what == "pause":
            assert control.pause(connection, number, "a word is wrong")
        elif what == "resume":
            assert control.resume(connection, number, now)
        else:
            assert control.cancel(connection, number, now, "wrong") is not None


def at_letter(number: int, ledger: Ledger, what: str) -> Callable[[Letter], None]:
    """Moves the campaign when so many letters were taken."""
    seen = [0]

    def between(_letter: Letter) -> None:
        seen[0] += 1
        if seen[0] == number:
            move(ledger, what)

    return between


def test_a_pause_takes_effect_within_one_group(make: Make) -> None:
    """At full speed at most what is claimed still goes; the rest is pending, none `sending`."""
    ledger = make(1200)
    transport = Scripted(between=at_letter(50, ledger, "pause"))
    ending = ledger.send(transport)
    assert ledger.now().state == "paused"
    assert ending.next_at is None
    assert 50 <= ending.counts.sent <= 50 + 2 * 200
    assert ending.counts.pending == 1200 - ending.counts.sent
    assert {row.state for row in ledger.batches()} <= {"ready", "done"}
    move(ledger, "resume")
    assert ledger.send(transport).counts.sent == 1200
    assert transport.has == Counter(range(1, 1201))


def test_progress_goes_on_from_where_it_was(make: Make) -> None:
    """The first run tells of none before it; the next begins with what that one ended."""
    ledger = make(1200)
    heard: list[int] = []
    ending = ledger.send(Scripted(between=at_letter(50, ledger, "pause")), progress=heard.append)
    assert heard == sorted(heard)
    assert (heard[0], heard[-1]) == (0, ending.counts.sent)
    move(ledger, "resume")
    again: list[int] = []
    ledger.send(Scripted(), progress=again.append)
    assert again == sorted(again)
    assert (again[0], again[-1]) == (ending.counts.sent, 1200)


@pytest.mark.parametrize("what", ["pause", "cancel"])
def test_at_a_slow_rate_a_stop_takes_a_second_or_two(make: Make, what: str) -> None:
    """With five letters a second, hardly any goes after the word was given."""
    ledger = make(100, per_second=5.0)
    transport = Scripted(between=at_letter(3, ledger, what))
    began = time.monotonic()
    ending = ledger.send(transport)
    assert time.monotonic() - began < 5
    assert 3 <= ending.counts.sent <= 3 + 5 * 3
    assert ending.counts.sending == 0


def test_a_cancel_skips_the_rest(make: Make) -> None:
    """What was claimed and given back is skipped, too: nothing is open at the end."""
    ledger = make(1200)
    transport = Scripted(between=at_letter(50, ledger, "cancel"))
    ending = ledger.send(transport)
    assert ledger.now().state == "cancelled"
    assert ending.counts.open == 0
    assert ending.counts.sent + ending.counts.skipped == 1200
    assert sum(transport.has.values()) == ending.counts.sent < 500


def test_a_stop_at_a_slow_rate_is_clean(make: Make) -> None:
    """A signal's event ends a slow campaign in about a second, and leaves nothing claimed."""
    ledger = make(100, per_second=5.0)
    stop = threading.Event()
    threading.Timer(0.7, stop.set).start()
    began = time.monotonic()
    ending = ledger.send(Scripted(), stop=stop)
    assert time.monotonic() - began < 4
    assert ending.counts.sending == 0
    assert 0 < ending.counts.sent < 20


def test_too_many_failures_pause_with_the_reason(make: Make) -> None:
    """Above the limit it pauses by itself, says why, and goes on when somebody resumes it."""
    ledger = make(400)

    def bad(letter: Letter) -> Answer:
        return Outcome.REJECTED if letter.subscriber_id % 2 else Outcome.ACCEPTED

    ending = ledger.send(Scripted(bad))
    paused = ledger.now()
    assert paused.state == "paused"
    assert "letters went wrong, more than 10%" in paused.reason
    assert ending.counts.pending > 0
    assert ending.counts.failed >= 10
    move(ledger, "resume")
    assert ledger.now().reason == ""
    ending = ledger.send(Scripted())
    assert (ledger.now().state, ending.counts.open) == ("done", 0)


def test_a_few_failures_pause_nothing(make: Make) -> None:
    """Nine in a hundred are under the limit."""
    ledger = make(100)
    ending = ledger.send(
        Scripted(lambda letter: Outcome.REJECTED if letter.subscriber_id <= 9 else Outcome.ACCEPTED)
    )
    assert (ledger.now().state, ending.counts.failed) == ("done", 9)


@pytest.mark.parametrize("width", [1, 7])
def test_a_canary_goes_first_and_is_watched(make: Make, width: int) -> None:
    """Exactly ten go; after the wait, with no failures, the rest."""
    ledger = make(100, canary=10, canary_wait=1.5)
    transport = Scripted(width=width)
    waits: list[int] = []
    ending = ledger.send(transport, waiting=lambda _: waits.append(sum(transport.has.values())))
    assert waits
    assert waits[0] == 10
    assert (ledger.now().state, ending.counts.sent) == ("done", 100)
    gap = transport.at[10] - transport.at[9]
    assert gap >= 1.4


def test_a_canary_that_fails_pauses_the_rest(make: Make) -> None:
    """Where two of ten went wrong, nobody else gets it, and the reason says so."""
    ledger = make(100, canary=10, canary_wait=0.3)
    transport = Scripted(
        lambda letter: Outcome.REJECTED if letter.subscriber_id in {3, 4} else Outcome.ACCEPTED
    )
    ending = ledger.send(transport)
    assert ledger.now().state == "paused"
    assert "2 of the first 10 letters went wrong" in ledger.now().reason
    assert (ending.counts.sent, ending.counts.failed, ending.counts.pending) == (8, 2, 90)
    move(ledger, "resume")
    assert ledger.send(transport).counts.sent == 98


def test_a_canary_larger_than_the_list_ends(make: Make) -> None:
    """All are the canary, and the campaign is done."""
    ledger = make(5, canary=10, canary_wait=0.2)
    assert ledger.send(Scripted()).counts.sent == 5
    assert ledger.now().state == "done"


def test_a_canarys_clock_put_back_stalls_nothing(make: Make) -> None:
    """An hour's jump back in the wait lets it begin anew, and no more."""
    ledger = make(30, canary=5, canary_wait=0.4)
    began = time.monotonic()
    jumps = iter([-1.0])
    ending = ledger.send(Scripted(), waiting=lambda _: ledger.clock.jump(hours=next(jumps, 0.0)))
    assert time.monotonic() - began < 10
    assert (ledger.now().state, ending.counts.sent) == ("done", 30)


def test_a_scheduled_campaign_waits_for_its_time(make: Make) -> None:
    """Nothing leaves before; then it begins, and its start is written down."""
    ledger = make(20, start=NOW + dt.timedelta(hours=8))
    transport = Scripted()
    before: list[int] = []

    def waiting(until: dt.datetime) -> None:
        before.append(len(transport.at))
        assert until == NOW + dt.timedelta(hours=8)
        assert ledger.now().state == "scheduled"
        ledger.clock.jump(hours=8)

    assert ledger.send(transport, waiting=waiting).counts.sent == 20
    assert before == [0]
    started = ledger.now().started_at
    assert started is not None
    assert started >= NOW + dt.timedelta(hours=8)


def test_a_scheduled_campaign_can_be_paused_and_cancelled(make: Make) -> None:
    """Resumed before its time it waits for it again; cancelled, nobody gets it."""
    ledger = make(20, start=NOW + dt.timedelta(hours=8))
    move(ledger, "pause")
    move(ledger, "resume")
    assert ledger.now().state == "scheduled"
    move(ledger, "pause")
    ledger.clock.jump(hours=9)
    move(ledger, "resume")
    assert ledger.now().state == "sending"
    assert ledger.now().started_at is not None
    move(ledger, "cancel")
    assert ledger.counts().skipped == 20


def test_outside_office_hours_nothing_leaves(make: Make) -> None:
    """When they end in mid-campaign it waits until they begin again."""
    ledger = make(600, hours="08:00-18:00")
    seen: list[int] = []
    opened: list[dt.datetime] = []

    def between(_letter: Letter) -> None:
        seen.append(1)
        if len(seen) == 10:
            ledger.clock.jump(hours=9)

    def waiting(until: dt.datetime) -> None:
        opened.append(until)
        assert len(seen) <= 2 * 200
        ledger.clock.jump(seconds=(until - ledger.clock.now()).total_seconds())

    assert ledger.send(Scripted(between=between), waiting=waiting).counts.sent == 600
    assert opened == [dt.datetime(2026, 3, 3, 8, tzinfo=dt.UTC)]


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_jumps_in_mid_campaign_changes_nothing(make: Make, hours: int) -> None:
    """An hour on or back: everyone once, none in doubt, and no stall at the rate."""
    ledger = make(300, batch_size=50, per_second=200.0, per_hour=1_000_000)
    seen: list[int] = []

    def between(_letter: Letter) -> None:
        seen.append(1)
        if len(seen) in {100, 180}:
            ledger.clock.jump(hours=hours)

    transport = Scripted(between=between)
    began = time.monotonic()
    ending = ledger.send(transport)
    assert time.monotonic() - began < 15
    assert (ledger.now().state, ending.counts.sent) == ("done", 300)
    assert transport.has == Counter(range(1, 301))


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_jumps_lets_no_burst_through(make: Make, hours: int) -> None:
    """The rate of a second holds across the jump: neither a standstill nor a gush follows it."""
    ledger = make(160, batch_size=50, per_second=100.0)
    seen: list[int] = []

    def between(_letter: Letter) -> None:
        seen.append(1)
        if len(seen) == 60:
            ledger.clock.jump(hours=hours)

    transport = Scripted(between=between)
    assert ledger.send(transport).counts.sent == 160
    assert 1.4 <= transport.at[-1] - transport.at[0] < 8
    for at, moment in enumerate(transport.at):
        within = sum(1 for each in transport.at[at:] if each < moment + 0.5)
        assert within <= 50 + 0.1 * 100 + 2


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_jumps_before_a_retry_loses_nobody(make: Make, hours: int) -> None:
    """Put on, the letter goes at once; put back, the run ends, and the next one sends it."""
    ledger = make(20, retry_after=0.3)
    answers = iter([Outcome.RETRY])
    transport = Scripted(lambda letter: _first(letter, answers))
    patience = dt.timedelta(seconds=5)
    began = time.monotonic()
    ledger.send(transport, waiting=lambda _until: ledger.clock.jump(hours=hours), patience=patience)
    assert time.monotonic() - began < 5
    if hours < 0:
        assert ledger.statuses()[1] == "deferred"
        ledger.clock.jump(hours=1)
        ledger.send(transport, patience=patience)
    assert (ledger.now().state, ledger.counts().sent) == ("done", 20)
    assert transport.has == Counter(range(1, 21))


def _first(letter: Letter, answers: Iterator[Outcome]) -> Outcome:
    """The next of the answers for the first subscriber; all others are accepted."""
    return next(answers, Outcome.ACCEPTED) if letter.subscriber_id == 1 else Outcome.ACCEPTED


def test_the_rate_is_kept_and_used(make: Make) -> None:
    """At 100 a second, 150 letters take a second and a half, and no window holds much more."""
    ledger = make(150, per_second=100.0)
    transport = Scripted()
    assert ledger.send(transport).counts.sent == 150
    took = transport.at[-1] - transport.at[0]
    assert 1.4 <= took < 6
    for at, moment in enumerate(transport.at):
        within = sum(1 for each in transport.at[at:] if each < moment + 0.5)
        assert within <= 50 + 0.1 * 100 + 2


def test_after_a_standstill_the_rate_is_kept(make: Make) -> None:
    """A transport that hung for a second does not get all that is overdue at once."""
    ledger = make(200, per_second=100.0)
    seen: list[int] = []

    def between(_letter: Letter) -> None:
        seen.append(1)
        if len(seen) == 20:
            time.sleep(1.0)

    transport = Scripted(between=between)
    assert ledger.send(transport).counts.sent == 200
    after = transport.at[20]
    assert sum(1 for each in transport.at[20:] if each < after + 0.5) <= 50 + 0.1 * 100 + 2


def test_a_dead_address_is_suppressed_once(make: Make) -> None:
    """Its row names the campaign and the other side's code."""
    ledger = make(30)
    ledger.send(Scripted(lambda letter: "dead" if letter.subscriber_id == 7 else Outcome.ACCEPTED))
    with reading(ledger.engine) as connection:
        (row,) = connection.execute(select(suppression)).all()
    assert (row.email_key, row.reason, row.code) == ("reader7@example.org", "bounce", "5.1.1")
    assert row.campaign_id == ledger.campaign.id
    assert ledger.statuses()[7] == "failed"


def test_batches_that_a_dead_process_left_are_finished(make: Make) -> None:
    """Without a journal what it had claimed is in doubt; all else goes, at once."""
    ledger = make(40, batch_size=20)
    with writing(ledger.engine) as connection:
        hold = take(connection, ledger.campaign.id, "dead", ledger.clock.now(), LEASE)
        assert hold is not None
        claim(connection, hold, ledger.clock.now(), LEASE, 5)
    transport = Scripted()
    began = time.monotonic()
    ending = ledger.send(transport)
    assert time.monotonic() - began < 10  # and not after the lease
    assert (ending.counts.sent, ending.counts.in_doubt) == (35, 5)
    assert ledger.now().state == "done"


def test_a_locked_database_in_mid_run_loses_nothing(make: Make) -> None:
    """Another program holds it for too long: a clean stop with a message, and a clean resume."""
    ledger = make(300, batch_size=50)
    path = str(ledger.engine.url.database)
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    seen: list[int] = []

    def between(_letter: Letter) -> None:
        seen.append(1)
        if len(seen) == 120:
            with suppress(sqlite3.OperationalError):
                holder.execute("BEGIN IMMEDIATE")

    transport = Scripted(between=between)
    with pytest.raises(StoreError, match="locked"):
        ledger.send(transport)
    if holder.in_transaction:
        holder.execute("ROLLBACK")
    holder.close()
    ending = ledger.send(transport)
    assert (ending.counts.sent, ending.counts.in_doubt) == (300, 0)
    assert transport.has == Counter(range(1, 301))
    assert list(ledger.journals.glob("*.journal")) == []


def test_a_frozen_process_whose_batch_was_taken_sends_no_more_of_it(make: Make) -> None:
    """Somebody else takes the batch: what was begun is marked, the rest is the new owner's."""
    ledger = make(400, batch_size=400, lease=1.0, per_second=20.0)
    seen: list[int] = []

    def between(_letter: Letter) -> None:
        seen.append(1)
        if len(seen) == 10:
            with writing(ledger.engine) as connection:
                connection.execute(update(batch).values(lease_until=ledger.clock.now() - LEASE))
                now = ledger.clock.now()
                assert take(connection, ledger.campaign.id, "other", now, LEASE)

    transport = Scripted(between=between)
    stop = threading.Event()
    threading.Timer(4, stop.set).start()
    ending = ledger.send(transport, stop=stop)
    assert 10 <= sum(transport.has.values()) <= 10 + 20 * 3
    assert ending.counts.sent == sum(transport.has.values())
    (row,) = ledger.batches()
    assert (row.owner, row.state) == ("other", "running")


def test_one_process_sends_at_a_time(tmp_path: Path) -> None:
    """The second hears why; after the first has gone, the way is free."""
    with sole_sender(tmp_path), pytest.raises(SendingError, match="at work"):
        sole_sender(tmp_path).__enter__()
    with sole_sender(tmp_path):
        assert (tmp_path / "sending.lock").exists()
