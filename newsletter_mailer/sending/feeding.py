"""The feed between the ledger and a transport: letters out, receipts back in.

A thread of its own does all work in the database, one transaction a turn: it writes down
what became of letters, and claims the next group while the transport is busy with the one
before. So at any moment at most two groups are claimed and not yet handed over.
"""

import datetime as dt
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import Engine

from newsletter_mailer.errors import StoreError
from newsletter_mailer.sending.claiming import Claims, Group
from newsletter_mailer.sending.journal import Journal
from newsletter_mailer.sending.letters import Letters
from newsletter_mailer.sending.transports.contract import Letter, Outcome, Receipt
from newsletter_mailer.store.engine import writing

MARK_AFTER = 0.25
"""Seconds that a receipt waits at most for others, to be written down with them."""

LOOK_AFTER = 1.0
"""Seconds between two looks at the campaign's state and the leases."""

_MOMENT = 0.005
"""Seconds that a transport is kept waiting for a group that is just being claimed."""

_CATCH_UP = 0.1
"""Seconds by which letters may be late and still keep the rate; transports look as often."""

_TRIES = 4
"""Times that what is known is written down before the journal has to keep it."""


class Feed:
    """Feeds one transport with the letters of one campaign, until none can go now."""

    def __init__(
        self,
        engine: Engine,
        claims: Claims,
        letters: Letters,
        journal: Journal,
        *,
        stop: threading.Event,
        progress: Callable[[int], None],
    ) -> None:
        self._engine = engine
        self._claims = claims
        self._letters = letters
        self._journal = journal
        self._stop = stop
        self._progress = progress
        self._changed = threading.Condition()
        self._ready: deque[Group] = deque()
        self._receipts: list[Receipt] = []
        self._in_hand: list[Receipt] = []  # being written down at this moment
        self._out: set[int] = set()
        self._paced = -math.inf
        self._busy = False
        self._dry = False  # nothing could be claimed at the last look
        self._closing = False
        self._ended = False
        self._error: Exception | None = None
        self._tries = 0
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def letters(self) -> Iterator[Letter | None]:
        """The letters, None where none is ready; ends when no more can go now."""
        now = self._claims.rules.monotonic
        while not self._ended:
            group = self._next_group()
            if group is None:
                if self._stopping and not self._busy:
                    return
                yield None
                continue
            for at, delivery in enumerate(group.deliveries):
                due = max(group.begin + at * group.apart, self._paced)
                while now() < due and not self._stopping:
                    yield None
                if self._stopping or now() >= group.work.good_until:
                    self._give_back(group, at)
                    break
                # After a standstill not all that is overdue goes at once.
                self._paced = max(self._paced, now() - _CATCH_UP) + group.apart
                yield self._letters.of(delivery)

    def settle(self, receipt: Receipt) -> None:
        """Take a receipt, to be written down within a quarter of a second."""
        self._journal.answer(receipt)
        with self._changed:
            self._receipts.append(receipt)
            if len(self._receipts) in {self._claims.group, len(self._out)}:
                self._changed.notify_all()

    def finish(self) -> dt.datetime | None:
        """Write down all that is known, and end; when to look again, None for never.

        Letters in the hands of a transport that broke are settled by the journal.

        Raises:
            StoreError: it could not be written. The journal keeps it for the next run.
        """
        with self._changed:
            self._closing = True
            self._changed.wait_for(lambda: not self._busy)
            groups, self._ready = list(self._ready), deque()
            known = {receipt.subscriber_id for receipt in [*self._receipts, *self._in_hand]}
            left = self._out - known
        waiting = {each.subscriber_id for group in groups for each in group.deliveries}
        for number in sorted(left):
            begun = number not in waiting and self._journal.has_begun(number)
            outcome = Outcome.IN_DOUBT if begun else Outcome.UNSENT
            self.settle(Receipt(number, outcome, detail="sending broke off" if begun else ""))
        with self._changed:
            self._changed.notify_all()
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._claims.next_at

    @property
    def all_written(self) -> bool:
        """Whether the ledger holds all that the journal tells."""
        return not self._out

    @property
    def _stopping(self) -> bool:
        return self._stop.is_set() or self._closing or self._claims.ending

    def _next_group(self) -> Group | None:
        with self._changed:
            if not self._ready and self._busy:
                self._changed.wait(_MOMENT)
            if not self._ready:
                return None
            group = self._ready.popleft()
            self._changed.notify_all()
            return group

    def _give_back(self, group: Group, at: int) -> None:
        for left in group.deliveries[at:]:
            self.settle(Receipt(left.subscriber_id, Outcome.UNSENT))

    # What follows runs in the ledger's thread.

    def _run(self) -> None:
        try:
            while self._turn():
                pass
            if self.all_written:
                self._let_go()
        except Exception as error:
            self._error = error
        finally:
            with self._changed:
                self._ended, self._busy = True, False
                self._changed.notify_all()

    def _let_go(self) -> None:
        """Leave no batch behind that somebody would have to wait for."""
        if self._claims.holding:
            with writing(self._engine) as connection:
                self._claims.let_go(connection)

    def _turn(self) -> bool:
        """Write down and claim; False when there is nothing left to do."""
        with self._changed:
            pause = MARK_AFTER if self._receipts else LOOK_AFTER
            self._changed.wait_for(self._has_work, timeout=pause)
            receipts, self._receipts = self._receipts, []
            self._in_hand = receipts
            self._claims.ending = self._claims.ending or self._stopping
            wanted = not self._ready and not self._stopping
            self._busy = wanted
        group = None
        try:
            with writing(self._engine) as connection:
                self._claims.write_down(connection, receipts)
                self._claims.look(connection)
                if wanted:
                    group = self._claims.next_group(connection)
        except StoreError as error:
            return self._try_again(receipts, error)
        return self._done(receipts, group, wanted=wanted)

    def _done(self, receipts: Sequence[Receipt], group: Group | None, *, wanted: bool) -> bool:
        """Go on from a commit."""
        self._claims.written(receipts, group)
        numbers = [receipt.subscriber_id for receipt in receipts]
        self._journal.forget(numbers)
        if group:
            self._journal.expect({each.subscriber_id: each.attempt for each in group.deliveries})
        with self._changed:
            self._in_hand = []
            self._out.difference_update(numbers)
            if group:
                self._out.update(each.subscriber_id for each in group.deliveries)
                self._ready.append(group)
            self._busy = False
            self._dry = wanted and group is None
            self._changed.notify_all()
            over = not self._out and (self._dry or self._stopping)
        self._progress(self._claims.settled)
        return not over

    def _try_again(self, receipts: list[Receipt], error: StoreError) -> bool:
        """Claim no more, but keep trying to write down what is known, and what comes in yet."""
        self._claims.ending = True
        with self._changed:
            self._error = error
            self._receipts, self._in_hand = receipts + self._receipts, []
            self._busy = False
            self._changed.notify_all()
        self._tries += self._closing
        time.sleep(MARK_AFTER)
        return self._tries < _TRIES

    def _has_work(self) -> bool:
        answered = len(self._receipts) >= min(self._claims.group, len(self._out) or 1)
        claimable = not self._ready and not self._dry and not self._stopping
        return answered or claimable or (self._stopping and not self._out)
