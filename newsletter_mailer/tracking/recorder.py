"""The recorder: hits of pixels and links, written down in groups and held until they are.

Hits that come while a group is being written make up the next one, so that one commit
serves as many as there are. A hit is answered when its group is on the disk. Where the
database is busy for long, it is answered after `HOLD` seconds all the same, and waits in
memory for `PATIENCE` more at most: that is the only window in which a kill loses a hit
that was answered.
"""

import asyncio
import logging
import threading
import time
from dataclasses import dataclass, field

from sqlalchemy import Engine

from newsletter_mailer.errors import StoreError
from newsletter_mailer.store.engine import writing
from newsletter_mailer.tracking.opens import Hit, Record

log = logging.getLogger(__name__)

HOLD = 2.0
"""Seconds that an answer is held back at most."""

MOST_WAITING = 20_000
"""Hits that wait at most; what comes then is answered and not counted."""

_LARGEST = 500
"""Hits in one transaction."""

PATIENCE = 60.0
"""Seconds for which a group is tried again where the database refuses."""

_PAUSE = 0.5
"""Seconds between two tries."""


@dataclass
class _Group:
    """Hits that are written together, and what their answers wait for."""

    loop: asyncio.AbstractEventLoop
    hits: list[Hit] = field(default_factory=list)
    done: asyncio.Future[None] = field(init=False)

    def __post_init__(self) -> None:
        self.done = self.loop.create_future()
        self._late = self.loop.call_later(HOLD, self._let_go)

    def _let_go(self) -> None:
        self._late.cancel()
        if not self.done.done():
            self.done.set_result(None)

    def answer(self) -> None:
        """Let the answers go; from the writing thread."""
        try:
            self.loop.call_soon_threadsafe(self._let_go)
        except RuntimeError:
            log.debug("The server stopped before its last hits were answered.")


class Recorder:
    """Writes hits down for one event loop, in a thread of its own that starts with the first.

    `not_counted` is how many hits found too many others waiting.
    """

    def __init__(
        self,
        engine: Engine,
        record: Record,
        *,
        most_waiting: int = MOST_WAITING,
        patience: float = PATIENCE,
    ) -> None:
        self._engine = engine
        self._record = record
        self._most_waiting = most_waiting
        self._patience = patience
        self._groups: list[_Group] = []
        self._waiting = 0
        self._lock = threading.Lock()
        self._some = threading.Event()
        self._closing = False
        self._thread: threading.Thread | None = None
        self.not_counted = 0

    async def note(self, hit: Hit) -> None:
        """Return when the hit is on the disk, or was held back for as long as it may be."""
        with self._lock:
            if self._waiting >= self._most_waiting or self._closing:
                self.not_counted += 1
                return
            if not self._groups or len(self._groups[-1].hits) >= _LARGEST:
                self._groups.append(_Group(asyncio.get_running_loop()))
            group = self._groups[-1]
            group.hits.append(hit)
            self._waiting += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
                self._thread.start()
        self._some.set()
        await asyncio.shield(group.done)

    def close(self) -> None:
        """Write down what waits, and end."""
        with self._lock:
            self._closing = True
        self._some.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            self._some.wait()
            with self._lock:
                self._some.clear()
                groups, self._groups = self._groups, []
                closing = self._closing
            for group in groups:
                self._write(group)
                group.answer()
                with self._lock:
                    self._waiting -= len(group.hits)
            if closing and not groups:
                return
            if closing:
                self._some.set()

    def _write(self, group: _Group) -> None:
        """Write a group down, if need be at a later try."""
        give_up_at = time.monotonic() + self._patience
        said = False
        while True:
            try:
                with writing(self._engine) as connection:
                    self._record(connection, group.hits)
            except StoreError as error:
                if not said:
                    log.warning("Opens wait to be written down: %s", error)
                said = True
                if self._closing or time.monotonic() >= give_up_at:
                    self.not_counted += len(group.hits)
                    log.error("%d opens were not written down: %s", len(group.hits), error)
                    return
                time.sleep(_PAUSE)
            except Exception:
                self.not_counted += len(group.hits)
                log.exception("%d opens were not written down.", len(group.hits))
                return
            else:
                return
