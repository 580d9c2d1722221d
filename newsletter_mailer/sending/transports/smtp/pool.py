"""Opening connections in the background, no more than are of use and none too soon."""

import contextlib
import queue
import socket
import threading
from collections.abc import Callable

from newsletter_mailer.sending.transports.smtp.connecting import Failed, Opened, Opening

_AT_ONCE = 16
"""Attempts under way at a time: each is a thread."""

_PATIENCE = 5
"""Attempts, or connections lost without a single answered message, in a row, until we give up."""

_LONGEST_WAIT = 30.0


class Pool:
    """The attempts at connections of one run. It grows by twice as many as there are already.

    `make` prepares an attempt, which may take `limit` seconds in all. `wait` is how many
    seconds pass after the first failure; they double with each further one.
    """

    def __init__(
        self, make: Callable[[], Opening], *, size: int, limit: float, wait: float
    ) -> None:
        self._make = make
        self._size = size
        self._limit = limit
        self._wait = wait
        self._under_way: dict[Opening, float] = {}
        self._results: queue.SimpleQueue[tuple[Opening, Opened | Failed]] = queue.SimpleQueue()
        self._not_before = 0.0
        self._closed = False
        self._lasting = False
        self.failures = 0
        self.fruitless = 0
        self.last_failure = ""
        self.wake, self._bell = socket.socketpair()
        self.wake.setblocking(False)
        self._bell.setblocking(False)

    def grow(self, live: int, now: float) -> None:
        """Begin attempts where there is room and the last failure is long enough ago."""
        if now < self._not_before:
            return
        trying = len(self._under_way)
        room = min(self._size - live, max(1, 2 * live), 1 if self.failures else _AT_ONCE)
        for _ in range(room - trying):
            opening = self._make()
            self._under_way[opening] = now + self._limit
            threading.Thread(target=self._run, args=(opening,), daemon=True).start()

    def _run(self, opening: Opening) -> None:
        result = opening.run()
        self._results.put((opening, result))
        with contextlib.suppress(OSError):  # the bell is full, or the run is over
            self._bell.send(b"!")
        if self._closed:
            self._discard()

    def opened(self, now: float) -> list[Opened]:
        """The connections that have become ready. A failure is counted and puts the next off."""
        with contextlib.suppress(BlockingIOError):
            self.wake.recv(4096)
        ready = []
        while True:
            try:
                opening, result = self._results.get_nowait()
            except queue.Empty:
                break
            known = self._under_way.pop(opening, None) is not None
            if isinstance(result, Failed):
                if known:
                    self._failed(result, now)
            elif known:
                ready.append(result)
            else:
                result.connection.close()  # ready at the very moment it was given up
        for opening, end in list(self._under_way.items()):
            if now > end:
                del self._under_way[opening]
                opening.abandon()
                self._failed(Failed("the mail server gave no answer in time"), now)
        return ready

    def _failed(self, failure: Failed, now: float) -> None:
        """Count an attempt that came to nothing."""
        self.failures += 1
        self._lasting = self._lasting or failure.lasting
        self.last_failure = failure.why
        self._put_off(self.failures, now)

    def hopeless(self, live: int) -> bool:
        """Whether no further attempt should be made."""
        return (
            self._lasting
            or self.fruitless >= _PATIENCE
            or (self.failures >= _PATIENCE and not live)
        )

    def lost(self, why: str, now: float) -> None:
        """Count a connection that was lost before it had answered for a single message."""
        self.fruitless += 1
        self.last_failure = why
        self._put_off(self.fruitless, now)

    def _put_off(self, times: int, now: float) -> None:
        wait = min(_LONGEST_WAIT, self._wait * 2 ** (times - 1))
        self._not_before = max(self._not_before, now + wait)

    def answered(self) -> None:
        """A message was answered: the way is fine."""
        self.failures = self.fruitless = 0

    def close(self) -> None:
        """Abandon what is under way."""
        self._closed = True
        for opening in self._under_way:
            opening.abandon()
        self._discard()
        self.wake.close()
        self._bell.close()

    def _discard(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                _, result = self._results.get_nowait()
                if isinstance(result, Opened):
                    result.connection.close()
