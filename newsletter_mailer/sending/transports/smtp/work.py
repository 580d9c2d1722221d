"""The loop over the connections, in one thread, and what became of each letter."""

import selectors
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from newsletter_mailer.errors import TransportError
from newsletter_mailer.sending.transports.contract import Begin, Letter, Outcome, Receipt
from newsletter_mailer.sending.transports.smtp.channel import Channel
from newsletter_mailer.sending.transports.smtp.connecting import Relay
from newsletter_mailer.sending.transports.smtp.conversation import Answer
from newsletter_mailer.sending.transports.smtp.pool import Pool
from newsletter_mailer.sending.transports.smtp.post import Offer, Post, misfit
from newsletter_mailer.sending.transports.smtp.replies import Fate, Step, judged, receipt
from newsletter_mailer.settings import Smtp

_ASK_AGAIN = 0.1
"""Seconds until letters are asked for again, and until times are looked at."""

_TRIES = 5
"""Connections that may break under a letter before it is put off."""

_PORTION = 10
"""Letters made ready before it is looked again whether replies have come."""

_GOODBYE = 2.0
"""Seconds a server has to answer QUIT."""

_PUT_OFF = "4.4.2"
"""The code of a letter under which connections break, or that met 421 (RFC 3463, 3.5)."""


class Work:
    """One call of `send`: a loop over the connections.

    `make_ready` makes a letter ready for the wire; `pool` opens the connections.
    """

    def __init__(
        self,
        letters: Iterator[Letter | None],
        begin: Begin,
        *,
        relay: Relay,
        limits: Smtp,
        make_ready: Callable[[Letter], Post],
        pool: Pool,
    ) -> None:
        self._relay = relay
        self._limits = limits
        self._make_ready = make_ready
        self._letters = letters
        self._begin = begin
        self._pool = pool
        self._exhausted = False
        self._stop = ""
        self._error: Exception | None = None
        self._waiting: deque[Letter | Post] = deque()  # in hand, and on no connection
        self._channels: set[Channel] = set()
        self._hungry: set[Channel] = set()
        self._done: list[Receipt] = []
        self._look_again = 0.0
        self._selector = selectors.DefaultSelector()
        self._selector.register(pool.wake, selectors.EVENT_READ)

    def receipts(self) -> Iterator[Sequence[Receipt]]:
        """Work until every letter has its receipt; nothing while there is none."""
        while True:
            now = time.monotonic()
            self._feed(now)
            self._tend(now)
            done, self._done = self._done, []
            yield done
            if done and self._hungry:
                continue  # while they were looked at, more letters may have come
            if self._finished():
                break
            self._wait(0.0 if self._prepare() else _ASK_AGAIN)
        if self._error is not None:
            raise self._error
        if self._stop:
            raise TransportError(
                f"The mail server does not take the newsletter: {self._stop}. "
                "Nobody's address is to blame, and nobody will get it twice: mend that, and go on."
            )

    def close(self) -> None:
        """Leave nothing open."""
        self._pool.close()
        for channel in self._channels:
            if channel.conversation.idle and not channel.leaving:
                channel.leave(time.monotonic())
            channel.connection.close()
        self._selector.close()

    # Letters

    def _feed(self, now: float) -> None:
        """Give letters to the connections that want one."""
        if self._hungry:
            self._serve(list(self._hungry), now)
        if self._stop or self._waiting or self._exhausted:
            return
        if all(channel.leaving for channel in self._channels):
            letter = self._next()
            if letter is not None:
                self._waiting.append(letter)

    def _prepare(self) -> bool:
        """Make a few letters ready while all connections are busy, up to one for each of these.

        Then what follows a reply goes at once. With a slow relay the time for it is free.
        True where there is more to do at once, after a look at what has come meanwhile: more
        letters, or, where these have come to their end, connections to close.
        """
        if self._exhausted:
            return False
        for _ in range(_PORTION):
            if self._stop or self._hungry or len(self._waiting) >= len(self._channels):
                return False
            letter = self._next_letter()
            if letter is None:
                return self._exhausted
            post = self._made_ready(letter)
            if post is not None:
                self._waiting.append(post)
        return True

    def _next(self) -> Letter | Post | None:
        if self._waiting:
            return self._waiting.popleft()
        return self._next_letter()

    def _next_letter(self) -> Letter | None:
        if self._exhausted:
            return None
        try:
            return next(self._letters)
        except StopIteration:
            self._exhausted = True
        except Exception as error:
            self._give_up(error)
        return None

    def _serve(self, channels: Sequence[Channel], now: float) -> None:
        """Give each of these connections a letter, if it wants one, and then let all write.

        One after the other would be slower by a third: a message that is written drives out
        of the processor's cache what making the next one needs.
        """
        wanting = deque(channel for channel in channels if not channel.leaving)
        self._hungry.difference_update(wanting)
        while wanting and self._fill(wanting[0]):
            wanting.popleft()
        self._hungry.update(wanting)
        for channel in channels:
            if channel in self._channels and not channel.leaving:
                self._write(channel, now)

    def _fill(self, channel: Channel) -> bool:
        """Give a connection the letters that it wants. False where there was none for it."""
        conversation = channel.conversation
        while conversation.wants and not self._stop and not channel.lost:
            if channel.given >= self._limits.messages_per_connection:
                break
            letter = self._next()
            if letter is None:
                return False
            post = letter if isinstance(letter, Post) else self._made_ready(letter)
            if post is not None and self._fits(post, conversation.offer):
                conversation.post(post)
                channel.given += 1
        return True

    def _write(self, channel: Channel, now: float) -> None:
        """Let a connection write what it has to say."""
        blocked = channel.blocked
        channel.write(self._begin, now)
        if channel.lost:
            self._drop(channel, now)
        elif channel.blocked is not blocked:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if channel.blocked else 0)
            self._selector.modify(channel.connection, events, channel)

    def _made_ready(self, letter: Letter) -> Post | None:
        """The letter made ready, or None where that failed: then it has its receipt."""
        try:
            return self._make_ready(letter)
        except Exception as error:
            self._done.append(Receipt(letter.subscriber_id, Outcome.UNSENT))
            self._give_up(error)
            return None

    def _fits(self, post: Post, offer: Offer) -> bool:
        """Whether the letter is one for this server; else it has its receipt."""
        found = misfit(post, offer)
        if found is None:
            return True
        outcome = Outcome.RETRY if found.ours else Outcome.REJECTED
        self._done.append(Receipt(post.letter.subscriber_id, outcome, found.code, found.why))
        if found.ours:
            self._halt(f"{found.why} ({found.code})")
        return False

    # What comes back

    def _wait(self, seconds: float) -> None:
        events = self._selector.select(seconds)
        now = time.monotonic()
        # All are read before any of it is looked into: each call of the system drives out of the
        # processor's cache what the work between two of them needs.
        came: list[tuple[Channel, bytes]] = []
        for key, mask in events:
            channel: Channel | None = key.data
            if channel is None:
                self._welcome(now)
            elif channel in self._channels:
                readable = mask & selectors.EVENT_READ or channel.blocked
                came.append((channel, channel.receive() if readable else b""))
        for channel, data in came:
            self._heed(channel, data, now)
        self._serve([channel for channel, _ in came if channel in self._channels], now)

    def _welcome(self, now: float) -> None:
        """Put the connections that have become ready to work."""
        for opened in self._pool.opened(now):
            channel = Channel(opened, now)
            self._channels.add(channel)
            self._look_again = 0.0
            self._selector.register(channel.connection, selectors.EVENT_READ, channel)
            if channel.early:
                self._heed(channel, channel.receive(), now)
            if channel in self._channels:
                self._serve([channel], now)

    def _heed(self, channel: Channel, data: bytes, now: float) -> None:
        """Take what a connection has brought."""
        for answer in channel.understand(data, now):
            self._answered(channel, answer)
        if channel.lost:
            self._drop(channel, now)

    def _answered(self, channel: Channel, answer: Answer) -> None:
        """Write the receipt of an answered letter, or try it again after a 421."""
        post, step, reply = answer.post, answer.step, answer.reply
        if reply.code == 421 and step is not Step.MESSAGE:  # noqa: PLR2004 - not about this letter
            self._try_again(post, f"{reply}")
            return
        if not channel.answered or self._pool.failures or self._pool.fruitless:
            channel.answered = True
            self._pool.answered()
        fate = judged(step, reply)
        self._done.append(receipt(post.letter.subscriber_id, step, reply, fate))
        if fate is Fate.OURS:
            self._halt(f"{self._relay} answers {step} with {reply}")

    def _try_again(self, post: Post, why: str) -> None:
        """A letter that surely has not left goes over another connection, within limits."""
        post.tries += 1
        id_ = post.letter.subscriber_id
        if self._stop:
            self._done.append(Receipt(id_, Outcome.UNSENT, detail=why))
        elif post.tries >= _TRIES:
            self._done.append(Receipt(id_, Outcome.RETRY, _PUT_OFF, why))
        else:
            self._waiting.append(post)

    def _drop(self, channel: Channel, now: float) -> None:
        """Give up a connection, and say of each letter on it what is sure."""
        for answer in channel.last_words(now):
            self._answered(channel, answer)
        self._forget(channel)
        doubtful, unsent = channel.conversation.abandoned(exact=channel.exact)
        if doubtful is not None:
            id_ = doubtful.letter.subscriber_id
            why = f"handed over, but not answered: {channel.lost}"
            self._done.append(Receipt(id_, Outcome.IN_DOUBT, detail=why))
        for post in unsent:
            self._try_again(post, channel.lost)
        if not channel.answered and (doubtful or unsent):
            self._pool.lost(f"{self._relay}: {channel.lost}", now)

    def _forget(self, channel: Channel) -> None:
        self._selector.unregister(channel.connection)
        channel.connection.close()
        self._channels.discard(channel)
        self._hungry.discard(channel)

    # The end, and what leads there

    def _tend(self, now: float) -> None:
        """Look at times and numbers: who is late, who may go, who is still needed."""
        if now < self._look_again and not self._exhausted and not self._stop and self._channels:
            return
        self._look_again = now + _ASK_AGAIN
        self._welcome(now)
        limits = self._limits
        for channel in list(self._channels):
            if channel.overdue(now, limits.timeout, limits.final_timeout):
                channel.lost = "the server gave no answer in time"
                self._drop(channel, now)
            elif channel.leaving:
                if now - channel.since > _GOODBYE:
                    self._forget(channel)
            elif channel.conversation.idle and self._may_go(channel):
                self._hungry.discard(channel)
                channel.leave(now)
                if channel.lost:
                    self._drop(channel, now)
        if self._stop:
            return
        working = sum(not channel.leaving for channel in self._channels)
        pool = self._pool
        if pool.hopeless(working):
            self._halt(pool.last_failure)
        elif not self._hungry and self._wants_more(working):
            pool.grow(working, now)

    def _wants_more(self, working: int) -> bool:
        """Whether another connection would have something to do."""
        if not self._exhausted:
            return bool(self._waiting or working)
        most = self._limits.messages_per_connection
        free = sum(not each.leaving and each.given < most for each in self._channels)
        return len(self._waiting) > free

    def _may_go(self, channel: Channel) -> bool:
        return (
            bool(self._stop)
            or channel.given >= self._limits.messages_per_connection
            or (self._exhausted and not self._waiting)
        )

    def _halt(self, why: str) -> None:
        """Take no more letters; give back those that have not begun to leave."""
        if self._stop:
            return
        self._stop = why
        for channel in self._channels:
            self._waiting += channel.conversation.withdraw()
        for waiting in self._waiting:
            letter = waiting.letter if isinstance(waiting, Post) else waiting
            self._done.append(Receipt(letter.subscriber_id, Outcome.UNSENT, detail=why))
        self._waiting.clear()

    def _give_up(self, error: Exception) -> None:
        """The letters themselves fail: what is under way is brought to its end first."""
        self._error = error
        self._halt("no more letters can be made")

    def _finished(self) -> bool:
        if self._done or self._waiting or self._channels:
            return False
        return bool(self._stop) or self._exhausted
