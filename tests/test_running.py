"""The runner: whatever happens, the ledger ends as the transport's truth."""

import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from newsletter_mailer.errors import TransportError
from newsletter_mailer.sending.campaign import find_campaign
from newsletter_mailer.sending.transports.contract import Letter, Outcome
from newsletter_mailer.store.engine import open_store, reading, writing
from tests.ledgers import Answer, Clock, CrashError, Ledger, Scripted, open_ledger, settings_for

PEOPLE = 40
MOST_RUNS = 80
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""An example takes a good part of a second."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of a campaign to 40 people, to be copied: making one takes a while."""
    folder = tmp_path_factory.mktemp("template")
    open_ledger(folder, PEOPLE).engine.dispose()
    return folder


def copy_of(template: Path, folder: Path, batch_size: int) -> Ledger:
    """A copy of the template's campaign, cut into other batches."""
    shutil.copytree(template, folder, dirs_exist_ok=True)
    settings = settings_for(folder)
    engine = open_store(settings)
    with writing(engine) as connection:
        connection.exec_driver_sql("DELETE FROM batch")
        connection.exec_driver_sql(
            "UPDATE delivery SET batch = (subscriber_id - 1) / ? + 1", (batch_size,)
        )
        connection.exec_driver_sql(
            "INSERT INTO batch (campaign_id, number, state) "
            "SELECT DISTINCT campaign_id, batch, 'ready' FROM delivery"
        )
    with reading(engine) as connection:
        campaign = find_campaign(connection, "7")
    return Ledger(engine, settings, campaign, Clock())


def run_to_the_end(ledger: Ledger, transport: Scripted) -> int:
    """Run the campaign as an office would, again and again until it is done; how many runs."""
    for runs in range(1, MOST_RUNS):
        try:
            ending = ledger.send(transport, failure_limit=1.0)
        except (TransportError, CrashError):
            continue
        if ledger.now().state == "done":
            return runs
        assert ending.next_at is not None, ledger.counts()
        ledger.clock.jump(seconds=max(0, (ending.next_at - ledger.clock.now()).total_seconds()))
    raise AssertionError(ledger.counts())


def check_against_the_truth(ledger: Ledger, transport: Scripted) -> None:
    """Hold the ledger of a campaign that is done against what the transport knows."""
    rows = ledger.rows()
    counts = ledger.counts()
    assert counts.open == 0, counts
    assert counts.all == PEOPLE
    assert {row.state for row in ledger.batches()} == {"done"}
    assert set(transport.has.values()) <= {0, 1}, transport.has
    for number, row in rows.items():
        if row.status == "sent":
            assert transport.has[number] == 1
        elif row.status == "failed":
            assert number in transport.refused | transport.dead
        elif row.status == "in_doubt":
            assert number in transport.silent | transport.doubtful
        else:
            raise AssertionError(row.status)
    had = {number for number, times in transport.has.items() if times}
    told = {number for number in had if rows[number].status == "sent"}
    assert had - told <= transport.silent
    assert list(ledger.journals.glob("*.journal")) == []


ANSWERS: list[Answer] = [
    Outcome.REJECTED,
    "dead",
    Outcome.RETRY,
    Outcome.UNSENT,
    Outcome.IN_DOUBT,
    "broken",
    "crash",
    "crash after",
]


@examples(
    max_examples=15,
    phases=NO_SHRINKING,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    script=st.lists(st.tuples(st.integers(1, PEOPLE), st.sampled_from(ANSWERS)), max_size=14),
    batch_size=st.sampled_from([1, 7, 20, 100]),
    width=st.integers(1, 12),
)
def test_the_ledger_ends_as_the_truth(
    template: Path, script: list[tuple[int, Answer]], batch_size: int, width: int
) -> None:
    """Any answers in any order, broken ways and crashes: nobody lost, nobody twice."""
    left: dict[int, list[Answer]] = {}
    for number, told in script:
        left.setdefault(number, []).append(told)

    def answer(letter: Letter) -> Answer:
        waiting = left.get(letter.subscriber_id)
        return waiting.pop(0) if waiting else Outcome.ACCEPTED

    with TemporaryDirectory() as folder:
        ledger = copy_of(template, Path(folder), batch_size)
        transport = Scripted(answer, width)
        try:
            run_to_the_end(ledger, transport)
            check_against_the_truth(ledger, transport)
        finally:
            ledger.engine.dispose()


@examples(
    max_examples=8, phases=NO_SHRINKING, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(after=st.lists(st.integers(1, PEOPLE), min_size=1, max_size=6), width=st.integers(1, 12))
def test_stops_at_any_moment_lose_nothing(template: Path, after: list[int], width: int) -> None:
    """Stopped by a signal after any number of letters, and run again, each gets it once."""
    moments = iter(after)
    stop = threading.Event()
    until = [0]

    def between(_letter: Letter) -> None:
        until[0] -= 1
        if until[0] == 0:
            stop.set()

    with TemporaryDirectory() as folder:
        ledger = copy_of(template, Path(folder), 25)
        transport = Scripted(width=width, between=between)
        try:
            while ledger.now().state != "done":
                stop.clear()
                until[0] = next(moments, -1)
                ledger.send(transport, stop=stop)
            check_against_the_truth(ledger, transport)
            assert transport.has == Counter(range(1, PEOPLE + 1))
        finally:
            ledger.engine.dispose()


@pytest.fixture
def ledger(template: Path, tmp_path: Path) -> Iterator[Ledger]:
    """A campaign to 40 people in three batches."""
    made = copy_of(template, tmp_path / "copy", 20)
    yield made
    made.engine.dispose()


def test_all_is_accepted_in_one_run(ledger: Ledger) -> None:
    """Where nothing goes wrong, one run sends to everyone, and leaves nothing behind."""
    transport = Scripted(width=5)
    assert run_to_the_end(ledger, transport) == 1
    check_against_the_truth(ledger, transport)
    assert ledger.counts().sent == PEOPLE


def test_only_what_was_begun_and_not_answered_is_in_doubt(ledger: Ledger) -> None:
    """A crash with ten letters in hand puts those in doubt that were begun, and no others."""
    crashed: list[Letter] = []

    def answer(letter: Letter) -> Answer:
        if letter.subscriber_id == 23 and not crashed:
            crashed.append(letter)
            return "crash after"
        return Outcome.ACCEPTED

    transport = Scripted(answer, width=10)
    with pytest.raises(CrashError):
        ledger.send(transport)
    doubtful = {number for number, status in ledger.statuses().items() if status == "in_doubt"}
    assert doubtful == transport.silent
    assert 23 in doubtful
    assert run_to_the_end(ledger, transport) == 1
    check_against_the_truth(ledger, transport)


def test_a_letter_that_never_gets_through_ends(ledger: Ledger) -> None:
    """Refused for now each time, it has failed after three days, with the reason."""
    transport = Scripted(
        lambda letter: Outcome.RETRY if letter.subscriber_id == 5 else Outcome.ACCEPTED
    )
    runs = 0
    while ledger.now().state != "done":
        ending = ledger.send(transport)
        runs += 1
        assert runs < MOST_RUNS
        if ending.next_at:
            ledger.clock.jump(seconds=(ending.next_at - ledger.clock.now()).total_seconds())
    row = ledger.rows()[5]
    assert (row.status, row.error) == ("failed", "as told")
    assert 15 < row.attempts < 30
    assert ledger.counts().sent == PEOPLE - 1


def test_a_letter_that_breaks_off_each_time_does_not_run_round_for_ever(ledger: Ledger) -> None:
    """After five false starts it waits as one that was refused, and the others go."""
    transport = Scripted(
        lambda letter: Outcome.UNSENT if letter.subscriber_id == 5 else Outcome.ACCEPTED
    )
    ending = ledger.send(transport)
    assert ending.counts.sent == PEOPLE - 1
    assert ending.counts.deferred == 1
    assert ledger.rows()[5].attempts == 5
    assert ending.next_at is not None
