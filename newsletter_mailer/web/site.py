"""What every page of the web application works with."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine

from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.engine import reading, writing
from newsletter_mailer.web.pages import Pages


@dataclass(frozen=True, slots=True)
class Site:
    """A project as the web application shows it.

    `keys` are those that sign links, the one in use first. `clock` gives the time of day in
    UTC, and `random` text that nobody can guess. `wake` lets notices be sent that wait.
    """

    settings: Settings
    registry: Registry
    engine: Engine
    pages: Pages
    keys: tuple[str, ...]
    clock: Callable[[], dt.datetime]
    random: Callable[[], str]
    wake: Callable[[], None] = lambda: None
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees the database as it is now."""
        with reading(self.engine) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection that alone may write.

        Requests queue up here in their order. SQLite would let each of them try again after
        a while, in no order, and keep the disk idle in between.
        """
        with self._turn, writing(self.engine) as connection:
            yield connection
