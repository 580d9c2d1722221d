"""The loop that makes letters into requests, and answers into receipts."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence

from newsletter_mailer.errors import NewsletterError, TransportError
from newsletter_mailer.sending.transports.contract import Begin, Letter, Outcome, Receipt
from newsletter_mailer.sending.transports.sendgrid.answers import Fate, Judgement, judged
from newsletter_mailer.sending.transports.sendgrid.client import Account, Answer
from newsletter_mailer.sending.transports.sendgrid.merging import MOST_SUBSTITUTED, Variant
from newsletter_mailer.sending.transports.sendgrid.posting import Posters
from newsletter_mailer.sending.transports.sendgrid.requests import Gathering, Request

LINGER = 0.3
"""Seconds that letters wait for others of their variant, where no more are ready."""

_ASK_AGAIN = 0.05
"""Seconds until letters are asked for again, and the ledger is tended, while nothing happens."""

_PATIENCE = 5
"""Requests in a row that break, or stay without an answer to go by, until we give up."""

_FIRST_WAIT = 0.25
_LONGEST_WAIT = 60.0
_LONGEST_LIMITED = 900.0
"""Seconds of nothing but 429 after which we give up."""


class Work:
    """One call of `send`.

    `most` is how many people a request has at most; `slow` tells all who share the account
    to hold back for so many seconds. `reference` goes before the provider's own name for a
    request in each receipt.
    """

    def __init__(
        self,
        letters: Iterator[Letter | None],
        begin: Begin,
        *,
        account: Account,
        variant: Callable[[str], Variant],
        posters: Posters,
        most: int,
        slow: Callable[[float], None],
        reference: str = "",
    ) -> None:
        self._letters = letters
        self._begin = begin
        self._account = account
        self._variant = variant
        self._posters = posters
        self._most = most
        self._slow = slow
        self._reference = reference
        self._waiting: dict[str, Gathering] = {}
        self._again: deque[Request] = deque()
        self._done: list[Receipt] = []
        self._people = 0  # that wait in all
        self._full = False
        self._exhausted = self._starved = False
        self._stop = ""
        self._error: Exception | None = None
        self._not_before = 0.0
        self._limited_since = self._limited_until = 0.0
        self._refused = 0
        self._failures = 0
        self._fruitless = 0

    def receipts(self) -> Iterator[Sequence[Receipt]]:
        """Work until every letter has its receipt; nothing while there is none."""
        while True:
            self._gather()
            self._hand_over()
            done, self._done = self._done, []
            yield done
            if self._finished():
                break
            # Once receipts are written down, letters may be ready, or surely come no more.
            if not done:
                self._wait()
        if self._error is not None:
            raise self._error
        if self._stop:
            raise TransportError(
                f"{self._account} does not take the newsletter: {self._stop}. "
                "Nobody's address is to blame, and nobody will get it twice: mend that, and go on."
            )

    # Letters

    def _gather(self) -> None:
        """Take letters until there is a whole request, or none is ready."""
        self._starved = False
        if self._exhausted or self._stop or self._ready():
            return
        take = self._give_up if time.monotonic() < self._limited_until else self._take
        try:
            for letter in self._letters:
                if letter is None:
                    self._starved = True
                    return
                if take(letter):
                    return
        except Exception as error:
            self._error = error
        self._exhausted = True

    def _give_up(self, letter: Letter) -> bool:
        """Give a letter back while the provider wants none; whether to take no more now."""
        self._done.append(Receipt(letter.subscriber_id, Outcome.UNSENT))
        return False

    def _take(self, letter: Letter) -> bool:
        """Take a letter; whether there is a whole request now."""
        number, variant = letter.subscriber_id, letter.variant
        try:
            gathering = self._waiting.get(variant)
            if gathering is None:
                gathering = self._waiting[variant] = Gathering(self._variant(variant))
            content = gathering.variant.personalization(letter)
        except Exception:
            self._done.append(Receipt(number, Outcome.UNSENT))
            raise
        if content is None:
            why = f"its merge fields take more than {MOST_SUBSTITUTED:,} bytes"
            self._done.append(Receipt(number, Outcome.REJECTED, detail=why))
            return False
        self._full = gathering.add(number, content)
        self._people += 1
        return self._full or self._people >= self._most

    def _ready(self) -> bool:
        """Whether there is enough for a request, so that no more letters are taken."""
        return self._full or self._people >= self._most or bool(self._again)

    def _hand_over(self) -> None:
        """Give requests to the threads that are free."""
        now = time.monotonic()
        while self._posters.idle and not self._stop and now >= self._not_before:
            request = self._next()
            if request is None:
                return
            self._begin(*request.numbers)
            self._posters.post(request)

    def _next(self) -> Request | None:
        if self._again:
            return self._again.popleft()
        waiting = [each for each in self._waiting.values() if each.numbers]
        if not waiting:
            return None
        oldest = min(waiting, key=lambda each: each.since)
        if self._exhausted or time.monotonic() - oldest.since >= LINGER:
            return self._taken(oldest)
        for each in waiting:
            if each.full(self._most):
                return self._taken(each)
        # The others are the rest of a variant of which no more come, as a rule.
        return self._taken(oldest) if self._people >= self._most else None

    def _taken(self, gathering: Gathering) -> Request:
        request = gathering.take()
        self._people -= len(request.numbers)
        self._full = any(each.full(self._most) for each in self._waiting.values())
        return request

    # Answers

    def _wait(self) -> None:
        """Take the answers that have come; wait a moment where nothing else is to be done."""
        busy = not (self._starved or self._exhausted or self._ready())
        wait = 0.0 if busy else _ASK_AGAIN
        if not self._posters.under_way:
            if wait:
                time.sleep(wait)
            return
        while (found := self._posters.answer(wait)) is not None:
            self._heed(*found)
            wait = 0.0

    def _heed(self, request: Request, answer: Answer) -> None:
        """Write the receipts of a request, or make it ready to be tried again."""
        judgement = judged(answer, len(request.numbers))
        if judgement.fate not in {Fate.BROKEN, Fate.DOUBTFUL, Fate.SLOW_DOWN}:
            self._failures = self._fruitless = self._refused = 0
        match judgement.fate:
            case Fate.TAKEN:
                provider_id = f"{self._reference}{judgement.message_id}"
                self._done += [
                    Receipt(number, Outcome.ACCEPTED, "", "", False, provider_id)
                    for number in request.numbers
                ]
            case Fate.DOUBTFUL:
                self._doubt(request, answer, judgement)
            case Fate.BROKEN:
                self._broken(request, answer)
            case Fate.SLOW_DOWN:
                self._hold_back(request, judgement)
            case Fate.HALVE:
                self._most = max(1, len(request.numbers) // 2)
                self._again.extend(request.halves())
            case Fate.NAMED:
                self._named(request, judgement.named or {})
            case Fate.OURS:
                self._give_back(request, judgement.words)
                self._halt(judgement.words)

    def _doubt(self, request: Request, answer: Answer, judgement: Judgement) -> None:
        self._fruitless += 1
        code = str(answer.status or "")
        why = f"handed over, but the answer was: {judgement.words}"
        if not answer.status:
            why = f"handed over, but not answered: {judgement.words}"
        self._done += [
            Receipt(number, Outcome.IN_DOUBT, code, why, provider_id=self._reference)
            for number in request.numbers
        ]
        if self._fruitless >= _PATIENCE:
            self._halt(judgement.words)
        else:
            self._put_off(self._fruitless)

    def _broken(self, request: Request, answer: Answer) -> None:
        self._failures += 1
        if self._stop or answer.lasting or self._failures >= _PATIENCE:
            self._give_back(request, answer.why)
            self._halt(answer.why)
        else:
            self._again.append(request)
            self._put_off(self._failures)

    def _hold_back(self, request: Request, judgement: Judgement) -> None:
        """Send nothing for a while, and have nobody else send anything either.

        What is in hand goes back to the ledger, from where it comes again in time.
        """
        now = time.monotonic()
        if not self._refused:
            self._limited_since = now
        self._refused += 1
        self._give_back(request, "")
        if now - self._limited_since > _LONGEST_LIMITED:
            self._halt(judgement.words)
            return
        wait = judgement.wait
        if wait is None:
            wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(self._refused, 10))
        self._not_before = self._limited_until = max(self._limited_until, now + wait)
        self._empty("")
        try:
            self._slow(wait)
        except NewsletterError as error:
            self._error, self._exhausted = error, True

    def _named(self, request: Request, named: Mapping[int, str]) -> None:
        """Fail those to whom the provider objects; the others go again without them."""
        for at, why in named.items():
            self._done.append(Receipt(request.numbers[at], Outcome.REJECTED, "400", why))
        rest = request.only(at for at in range(len(request.numbers)) if at not in named)
        if rest.numbers:
            self._again.append(rest)

    def _put_off(self, times: int) -> None:
        wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (times - 1))
        self._not_before = max(self._not_before, time.monotonic() + wait)

    # The end

    def _halt(self, why: str) -> None:
        """Post nothing more."""
        self._stop = self._stop or why
        self._empty(self._stop)

    def _empty(self, why: str) -> None:
        """Give back all that is in hand and not under way."""
        while self._again:
            self._give_back(self._again.popleft(), why)
        for each in self._waiting.values():
            if each.numbers:
                self._give_back(self._taken(each), why)

    def _give_back(self, request: Request, why: str) -> None:
        self._done += [Receipt(number, Outcome.UNSENT, detail=why) for number in request.numbers]

    def _finished(self) -> bool:
        if self._again or self._posters.under_way:
            return False
        if any(each.numbers for each in self._waiting.values()):
            return False
        return bool(self._stop) or self._exhausted
