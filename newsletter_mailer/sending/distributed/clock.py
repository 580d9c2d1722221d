"""The database's clock: the one that all hosts share, for leases and times of the ledger."""

import datetime as dt
import time
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import Engine, text

from newsletter_mailer.errors import StoreError
from newsletter_mailer.store.engine import reading

_GOOD_FOR = 30.0
"""Seconds after which the database is asked anew."""


class DatabaseClock:
    """The time of day as the database has it, asked for now and then, and counted on between.

    A host whose own clock is wrong would else take leases that have not run out.
    """

    def __init__(self, engine: Engine, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._monotonic = monotonic
        self._ask()

    def __call__(self) -> dt.datetime:
        """The time, in UTC."""
        if self._monotonic() - self._asked > _GOOD_FOR:
            with suppress(StoreError):  # whoever needs the database will find out
                self._ask()
        return self._told + dt.timedelta(seconds=self._monotonic() - self._asked)

    def _ask(self) -> None:
        before = self._monotonic()
        with reading(self._engine) as connection:
            told: dt.datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        self._asked = (before + self._monotonic()) / 2
        self._told = told.astimezone(dt.UTC)
