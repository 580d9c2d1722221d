"""What every page of the web application works with."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine

from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.settings import Settings
from newsletter_mailer.web.pages import Pages


@dataclass(frozen=True, slots=True)
class Site:
    """A project as the web application shows it.

    `clock` gives the time of day in UTC, and `random` text that nobody can guess. `keys`
    are those that sign links, the one in use first.
    """

    settings: Settings
    registry: Registry
    engine: Engine
    pages: Pages
    keys: tuple[str, ...]
    clock: Callable[[], dt.datetime]
    random: Callable[[], str]
