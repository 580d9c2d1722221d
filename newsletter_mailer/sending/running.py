"""Running a campaign on one machine: one process, one transport, the ledger in its database."""

import contextlib
import datetime as dt
import gc
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Engine

from newsletter_mailer.errors import SendingError, StoreError
from newsletter_mailer.sending import control
from newsletter_mailer.sending.claiming import Claims
from newsletter_mailer.sending.counting import Counts, count, count_settled
from newsletter_mailer.sending.feeding import Feed
from newsletter_mailer.sending.generation import NotingJournal
from newsletter_mailer.sending.letters import Letters
from newsletter_mailer.sending.recovering import new_owner, recover
from newsletter_mailer.sending.rules import Rules
from newsletter_mailer.sending.transports.contract import Transport
from newsletter_mailer.store.engine import reading, writing

_SLICE = 1.0
"""Seconds between two looks at the clock while a campaign waits: it may be put forward."""


@dataclass(frozen=True)
class Dispatch:
    """All that a run needs: the campaign, where its ledger is, and the way for letters to leave.

    `journals` is the folder for local journals.
    """

    engine: Engine
    campaign_id: int
    transport: Transport
    letters: Letters
    journals: Path
    rules: Rules


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended: the campaign's counts, and when it could go on, None for never."""

    counts: Counts
    next_at: dt.datetime | None


@contextlib.contextmanager
def sole_sender(folder: Path) -> Iterator[None]:
    """Hold the lock that lets one process at a time send.

    The lock goes with its process, however that ends.

    Raises:
        SendingError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "sending.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise SendingError(
            "Another `newsletter send` is at work in this project. Wait for it, or stop it; "
            "`newsletter status` shows how far it is."
        ) from error
    try:
        yield
    finally:
        lock.release()


def run(
    dispatch: Dispatch,
    *,
    stop: threading.Event,
    progress: Callable[[int], None],
    waiting: Callable[[dt.datetime], None],
) -> Ending:
    """Send what is left of a campaign, as the sole sender, and return how it ended.

    Stays while the campaign is scheduled, outside office hours, watching its canary, or
    has letters to be tried again within the rules' patience; `waiting` hears until when.
    `progress` hears how many deliveries have ended so far. When `stop` is set, what is on
    its way is finished and written down, and the run ends.

    Safe to be killed at any moment and run again: nobody is skipped, nobody gets it twice.

    Raises:
        TransportError: the transport can take nothing; what it had not taken stays open.
        StoreError: the database refused; the journal keeps what it does not hold yet.
    """
    engine, rules, number = dispatch.engine, dispatch.rules, dispatch.campaign_id
    recover(engine, number, dispatch.transport, dispatch.journals, rules.clock())
    with reading(engine) as connection:
        settled = count_settled(connection, number)
    while True:
        next_at = send_pass(dispatch, stop, partial(_onwards, progress, settled))
        with writing(engine) as connection:
            control.finish(connection, number, rules.clock())
            control.skip_rest(connection, number, rules.clock())
            counts = count(connection, number)
            state = control.state_of(connection, number)
        settled = counts.settled
        ending = Ending(counts, next_at if state in {"scheduled", "sending"} else None)
        if ending.next_at is None or stop.is_set() or not _worth_waiting(ending, state, rules):
            return ending
        # Where the clock is put back meanwhile, it is looked again after as long as it seemed.
        until = rules.monotonic() + (ending.next_at - rules.clock()).total_seconds()
        waiting(ending.next_at)
        while rules.clock() < ending.next_at and rules.monotonic() < until and not stop.is_set():
            left = (ending.next_at - rules.clock()).total_seconds()
            stop.wait(min(_SLICE, max(left, 0.0)))
            with reading(engine) as connection:
                if control.state_of(connection, number) != state:
                    break  # somebody paused or cancelled it meanwhile


def send_pass(
    dispatch: Dispatch, stop: threading.Event, progress: Callable[[int], None]
) -> dt.datetime | None:
    """Send all that can go now; when more can, None for never.

    Others may do the same at the same time: each takes batches that are free. `progress`
    hears how many deliveries have ended since it began.

    Raises:
        TransportError, StoreError: as `run` does.
    """
    owner = new_owner(dispatch.campaign_id)
    progress(0)
    journal = NotingJournal(dispatch.journals, owner, dispatch.campaign_id)
    feed = None
    try:
        most = dispatch.transport.capabilities.largest_batch
        claims = Claims(dispatch.campaign_id, owner, dispatch.rules, most)
        feed = Feed(
            dispatch.engine, claims, dispatch.letters, journal, stop=stop, progress=progress
        )
        try:
            with _unsearched():
                for receipts in dispatch.transport.send(feed.letters(), journal.begin):
                    feed.settle(receipts)
                    feed.tend()
        finally:
            next_at = feed.finish()
    except StoreError:
        # A claim may have been committed of which nobody heard: that it is not in the
        # journal proves that none of its letters was begun.
        journal.close(done=False)
        raise
    except BaseException:
        journal.close(done=feed is None or feed.all_written)
        raise
    journal.close(done=feed.all_written)
    return next_at


@contextlib.contextmanager
def _unsearched() -> Iterator[None]:
    """Keep the garbage collector from what was there before.

    It would look all of that through every few letters, for a sixth of their time.
    """
    gc.freeze()
    # Quick, for nothing is left to look through. It waits for as many new things as a quarter of
    # what it found last, which is now nothing: else it would not look for minutes.
    gc.collect()
    try:
        yield
    finally:
        gc.unfreeze()


def _onwards(progress: Callable[[int], None], before: int, now: int) -> None:
    """Tell how many have ended in all."""
    progress(before + now)


def _worth_waiting(ending: Ending, state: str, rules: Rules) -> bool:
    """Whether to stay: always for a start or office hours, not for ever for a few retries."""
    if state == "scheduled" or ending.counts.pending:
        return True
    return ending.next_at is not None and ending.next_at - rules.clock() <= rules.patience
