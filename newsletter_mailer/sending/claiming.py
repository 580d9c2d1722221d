"""Claims: the batches in hand, the next group of letters, and what became of the last ones.

Everything here happens in the caller's transaction, in one thread.
"""

import datetime as dt
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from newsletter_mailer.sending import batches, canary, control, ledger, rate
from newsletter_mailer.sending.batches import Hold
from newsletter_mailer.sending.fate import Mark
from newsletter_mailer.sending.ledger import Delivery
from newsletter_mailer.sending.rules import Rules
from newsletter_mailer.sending.transports.contract import Outcome, Receipt

_SMALLEST, _LARGEST = 125, 1000
"""Letters claimed by one durable write: as many as leave in about a tenth of a second.

Many are quick, since each write waits for the disk. Few take up a pause sooner, keep
connections waiting less, and fewer are in doubt if the whole machine stops.
"""

_BRISK, _SLUGGISH = 0.07, 0.5
"""Seconds: a whole group that left sooner is doubled, one that took longer is halved."""

_LOOK_AFTER = 1.0
"""Seconds between two looks at the campaign's state and the leases."""

_SAFE_SHARE = 0.7
"""Of a lease; after it no letter is begun, since somebody else may soon take the batch."""

_RESERVED = 5.0
"""Seconds of a rate limit that a group takes up at most."""

_COMES_BACK = frozenset({Outcome.RETRY, Outcome.UNSENT})

_FEW = 10
"""Letters that may go wrong before a campaign pauses by itself, however few were sent."""


@dataclass(slots=True)
class Work:
    """A batch in hand: how many of its letters are out, and until when they may be begun.

    `accepted` and `marks` are for those that are answered in the transaction that is under
    way.
    """

    hold: Hold
    good_until: float
    out: int = 0
    accepted: list[Receipt] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    through: bool = False

    @property
    def unanswered(self) -> int:
        """How many of its letters are out when that transaction is over."""
        return self.out - self.answered

    @property
    def answered(self) -> int:
        """How many letters that transaction writes down."""
        return len(self.accepted) + len(self.marks)

    def forget(self) -> None:
        """Begin a new transaction."""
        self.accepted, self.marks = [], []


@dataclass(frozen=True, slots=True)
class Group:
    """Letters claimed at `claimed_at`: the first may go at `begin`, on the monotonic clock.

    Each of the others may go `apart` seconds after the one before.
    """

    work: Work
    deliveries: Sequence[Delivery]
    claimed_at: dt.datetime
    begin: float
    apart: float


class Claims:
    """What one process holds of a campaign while it sends.

    `out` are the letters that were claimed and whose fate is not on disk yet, by their numbers;
    `settled` is how many deliveries it has brought to their end.
    """

    def __init__(self, campaign_id: int, owner: str, rules: Rules, most: int = 1) -> None:
        """`most` is how many letters the transport hands over at a time.

        A group has at least as many, where there are.
        """
        self.rules = rules
        self.group = self._least = max(_SMALLEST, most)
        self._claimed = math.inf
        self._last = 0
        self.settled = 0
        self.ending = False
        self.next_at: dt.datetime | None = None
        self._campaign_id = campaign_id
        self._owner = owner
        self._current: Work | None = None
        self._works: list[Work] = []
        self.out: dict[int, tuple[Work, Delivery]] = {}
        self._tally: Counter[Outcome] = Counter()
        self._looked = rules.monotonic()

    def write_down(self, connection: Connection, receipts: Sequence[Receipt]) -> None:
        """Mark what became of letters, let go of batches that are through, pause after failures.

        It can be tried again: what is out changes only in `written`, after the commit.
        """
        now, accepted = self.rules.clock(), Outcome.ACCEPTED
        for work in self._works:
            work.forget()
        for receipt in receipts:
            work, claimed = self.out[receipt.subscriber_id]
            if receipt.outcome is accepted:
                work.accepted.append(receipt)
            else:
                work.marks.append(Mark(receipt, claimed.attempt, claimed.refusals))
        for work in self._works:
            if work.accepted:
                ledger.accept(connection, work.hold, work.accepted, now)
            if work.marks:
                ledger.mark(connection, work.hold, work.marks, now, self.rules.retries)
            if not work.unanswered and (work.through or self.ending):
                batches.close(connection, work.hold)
        self._pause_if_bad(connection)

    def written(self, receipts: Sequence[Receipt], group: Group | None) -> None:
        """Forget letters whose fate is on disk now, and remember those that were claimed."""
        tally = self._answered()
        self._tally += tally
        self.settled += len(receipts) - sum(tally[outcome] for outcome in _COMES_BACK)
        for receipt in receipts:
            del self.out[receipt.subscriber_id]
        for work in self._works:
            work.out -= work.answered
            work.forget()
        if group:
            # Only now: a letter that came back may be claimed anew in the same transaction.
            group.work.out += len(group.deliveries)
            self.out |= {each.subscriber_id: (group.work, each) for each in group.deliveries}
        self._works = [work for work in self._works if work.out or not work.through]

    @property
    def holding(self) -> bool:
        """Whether there are batches in hand."""
        return bool(self._works)

    def let_go(self, connection: Connection) -> None:
        """Give up every batch in hand; no letter of them is out."""
        for work in self._works:
            batches.close(connection, work.hold)

    def look(self, connection: Connection) -> None:
        """Once a second: has somebody paused the campaign, and are the leases still ours?"""
        moment = self.rules.monotonic()
        if moment - self._looked < _LOOK_AFTER:
            return
        self._looked = moment
        if control.state_of(connection, self._campaign_id) not in {"scheduled", "sending"}:
            self.ending = True
        for work in self._works:
            if batches.renew(connection, work.hold, self.rules.clock(), self.rules.lease):
                work.good_until = self._safe(moment)
            else:
                work.good_until = 0.0
                self._lose(work)

    def next_group(self, connection: Connection) -> Group | None:
        """Claim the next group; None where nothing can go now, and `next_at` says when."""
        now, moment = self.rules.clock(), self.rules.monotonic()
        most = self._most(connection, now)
        while most:
            work = self._current or self._take(connection, now, moment)
            if work is None:
                self.next_at = batches.next_due(connection, self._campaign_id, self._owner)
                return None
            claim = ledger.claim(connection, work.hold, now, self.rules.lease, most)
            self.settled += claim.suppressed
            if not claim.held:
                work.good_until = 0.0
                self._lose(work)
            elif not claim.running:
                self.ending = True
                return None
            elif not claim.group:
                self._lose(work)
                if not work.unanswered:
                    batches.close(connection, work.hold)
            else:
                if not claim.more:
                    self._lose(work)
                return self._group(connection, work, claim.group, now, moment)
        return None

    def _group(
        self,
        connection: Connection,
        work: Work,
        deliveries: Sequence[Delivery],
        now: dt.datetime,
        moment: float,
    ) -> Group:
        work.good_until = self._safe(moment)
        slot = rate.reserve(connection, self.rules.limits, len(deliveries), now)
        self._fit(moment, len(deliveries))
        return Group(work, deliveries, now, moment + slot.wait, slot.apart)

    def _fit(self, moment: float, claimed: int) -> None:
        """Fit the size of the next group to how long this one's turn was in coming.

        One that was cut short, as at the end of its batch, does not say that it can be larger.
        """
        took, self._claimed = moment - self._claimed, moment
        whole, self._last = self._last >= self.group, claimed
        if whole and 0 < took < _BRISK:
            self.group = max(self.group, min(2 * self.group, _LARGEST))
        elif took > _SLUGGISH:
            self.group = max(self._least, self.group // 2)

    def _most(self, connection: Connection, now: dt.datetime) -> int:
        """How many letters may be claimed now; 0 where none, with `next_at` or `ending` set."""
        opening = self.rules.opens(now)
        if opening > now:
            self.next_at = opening
            return 0
        if not self._begun(connection, now):
            return 0
        leave = canary.leave(
            connection,
            self._campaign_id,
            now,
            wait=self.rules.canary_wait,
            limit=self.rules.failure_limit,
            out=len(self.out) - sum(work.answered for work in self._works),
        )
        self.next_at, self.ending = leave.next_at, self.ending or leave.paused
        fitting = (max(1, int(limit.rate * _RESERVED)) for limit in self.rules.limits)
        most = self.group if leave.most is None else min(self.group, leave.most)
        return min([most, *fitting])

    def _begun(self, connection: Connection, now: dt.datetime) -> bool:
        """Whether the campaign is under way; a scheduled one begins when its time has come."""
        state = control.state_of(connection, self._campaign_id)
        if state == "scheduled" and not control.start(connection, self._campaign_id, now):
            self.next_at = control.scheduled_at(connection, self._campaign_id)
            return False
        self.ending = self.ending or state not in {"scheduled", "sending"}
        return not self.ending

    def _take(self, connection: Connection, now: dt.datetime, moment: float) -> Work | None:
        hold = batches.take(connection, self._campaign_id, self._owner, now, self.rules.lease)
        if hold is None:
            return None
        self._current = Work(hold, self._safe(moment))
        self._works.append(self._current)
        return self._current

    def _lose(self, work: Work) -> None:
        """Claim no more of a batch; what is out of it is still written down, at its epoch."""
        work.through = True
        if self._current is work:
            self._current = None

    def _answered(self) -> Counter[Outcome]:
        """How many letters of each outcome the transaction that is under way writes down."""
        tally = Counter(mark.receipt.outcome for work in self._works for mark in work.marks)
        tally[Outcome.ACCEPTED] = sum(len(work.accepted) for work in self._works)
        return tally

    def _pause_if_bad(self, connection: Connection) -> None:
        """Pause the campaign where too much went wrong since this process began."""
        tally = self._tally + self._answered()
        wrong = tally[Outcome.REJECTED] + tally[Outcome.IN_DOUBT]
        ended = wrong + tally[Outcome.ACCEPTED]
        limit = self.rules.failure_limit
        if wrong >= _FEW and wrong > limit * ended:
            reason = f"{wrong:,} of {ended:,} letters went wrong, more than {limit:.0%}"
            control.pause(connection, self._campaign_id, reason)
            self.ending = True

    def _safe(self, moment: float) -> float:
        return moment + self.rules.lease.total_seconds() * _SAFE_SHARE
