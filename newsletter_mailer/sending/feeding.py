"""The feed between the ledger and a transport: letters out, receipts back in.

It works in the thread of the transport, one transaction a turn: a turn writes down what
became of letters and claims the next group, so that each group costs one wait for the disk.
(A thread for the database made it slower by half: the two handed Python's lock to and fro
at every row.)
"""

import datetime as dt
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

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

_CATCH_UP = 0.1
"""Seconds by which letters may be late and still keep the rate; transports look as often."""

_PORTION = 100
"""Letters that are made together."""

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
        self._receipts: list[Receipt] = []
        self._paced = -math.inf
        self._turned = -math.inf
        self._many = 0  # receipts that are not to wait
        self._monotonic = claims.rules.monotonic
        self._dry = False  # nothing could be claimed at the last look
        self._error: StoreError | None = None

    def letters(self) -> Iterator[Letter | None]:
        """The letters, None where none is ready; ends when no more can go now."""
        now, claims, stopped = self._monotonic, self._claims, self._stop.is_set
        while True:
            group = None if self._dry or self._stopping else self._turn(claim=True)
            if group is None:
                if self._stopping or (self._dry and not self._claims.out):
                    return
                yield None
                continue
            paced = group.apart > 0 or group.begin > now()
            for at, letter in self._made(group):
                moment = now()
                if paced:
                    due = max(group.begin + at * group.apart, self._paced)
                    while moment < due and not self._stopping:
                        yield None
                        moment = now()
                    # After a standstill not all that is overdue goes at once.
                    self._paced = max(self._paced, moment - _CATCH_UP) + group.apart
                if claims.ending or moment >= group.work.good_until or stopped():
                    self._give_back(group, at)
                    break
                yield letter

    def _made(self, group: Group) -> Iterator[tuple[int, Letter]]:
        """The letters of a group, made a portion at a time: quicker than each when it goes."""
        of, moment = self._letters.of, group.claimed_at
        portions = (
            [of(each, moment) for each in group.deliveries[at : at + _PORTION]]
            for at in range(0, len(group.deliveries), _PORTION)
        )
        return enumerate(chain.from_iterable(portions))

    def settle(self, receipts: Sequence[Receipt]) -> None:
        """Take receipts, to be written down within a quarter of a second."""
        self._journal.answer(receipts)
        self._receipts += receipts

    def tend(self) -> None:
        """Write down what has waited long enough, and look at the campaign and the leases.

        To be called at least every tenth of a second while letters are out.
        """
        waiting = len(self._receipts)
        since = self._monotonic() - self._turned
        full = waiting >= self._many > 0 and self._error is None
        if full or since >= (MARK_AFTER if waiting else LOOK_AFTER):
            self._turn(claim=False)

    def finish(self) -> dt.datetime | None:
        """Write down all that is known, and end; when to look again, None for never.

        Letters in the hands of a transport that broke are settled by the journal.

        Raises:
            StoreError: it could not be written. The journal keeps it for the next run.
        """
        self._claims.ending = True
        left = self._claims.out.keys() - {receipt.subscriber_id for receipt in self._receipts}
        self.settle([self._broken_off(number) for number in sorted(left)])
        for attempt in range(_TRIES):
            if not self._claims.out:
                self._let_go()
                break
            if attempt:
                time.sleep(MARK_AFTER)
            self._turn(claim=False)
        if self._error is not None:
            raise self._error
        return self._claims.next_at

    @property
    def all_written(self) -> bool:
        """Whether the ledger holds all that the journal tells."""
        return not self._claims.out

    @property
    def _stopping(self) -> bool:
        return self._claims.ending or self._stop.is_set()

    def _give_back(self, group: Group, at: int) -> None:
        self.settle([Receipt(left.subscriber_id, Outcome.UNSENT) for left in group.deliveries[at:]])

    def _broken_off(self, number: int) -> Receipt:
        if self._journal.has_begun(number):
            return Receipt(number, Outcome.IN_DOUBT, detail="sending broke off")
        return Receipt(number, Outcome.UNSENT)

    def _let_go(self) -> None:
        """Leave no batch behind that somebody would have to wait for."""
        if self._claims.holding:
            with writing(self._engine) as connection:
                self._claims.let_go(connection)

    def _turn(self, *, claim: bool) -> Group | None:
        """Write down what is known, and claim the next group where that is wanted."""
        receipts, group = self._receipts, None
        self._claims.ending = self._stopping
        try:
            with writing(self._engine) as connection:
                self._claims.write_down(connection, receipts)
                self._claims.look(connection)
                if claim and not self._claims.ending:
                    group = self._claims.next_group(connection)
        except StoreError as error:
            # Claim no more, but keep trying to write down what is known, and what comes in yet.
            self._claims.ending = True
            self._error = error
            return None
        finally:
            self._turned = self._monotonic()
        self._receipts = []
        self._dry = claim and group is None
        self._claims.written(receipts, group)
        self._journal.forget([receipt.subscriber_id for receipt in receipts])
        if group:
            self._journal.expect([(each.subscriber_id, each.attempt) for each in group.deliveries])
        self._many = min(2 * self._claims.group, len(self._claims.out))
        self._progress(self._claims.settled)
        return group
