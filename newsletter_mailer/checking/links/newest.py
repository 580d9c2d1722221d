"""The newest results of links: what was good within a day is known, the rest is looked at."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass

from sqlalchemy import Engine

from newsletter_mailer.checking.links.cache import remember, remembered
from newsletter_mailer.checking.links.verdict import LinkResult
from newsletter_mailer.errors import StoreError
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.engine import open_store, reading, writing

_SHORT_WAIT = 2.0
"""Seconds to wait for the database when it only spares us some requests."""


def now() -> dt.datetime:
    """This moment, in UTC."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest results of URLs, and whether there was no network to get some of them."""

    results: Mapping[str, LinkResult]
    no_network: bool = False


def newest(
    urls: Sequence[str],
    settings: Settings,
    *,
    engine: Engine | None,
    watching: Callable[[int], AbstractContextManager[Callable[[int], None]]],
    fresh: bool = False,
) -> Newest:
    """Look at URLs, but for those that `engine` knows to have been good within a day.

    `watching` is told how many are left, if any; what it gives hears how many of them are
    done. `fresh` asks every server again.
    """
    lately: dict[str, LinkResult] = {}
    if engine and not fresh:
        # A store that cannot be used must not keep an editor from checking.
        with suppress(StoreError), reading(engine) as connection:
            lately = remembered(connection, urls, now())
    left = [url for url in urls if url not in lately]
    if not left:
        return Newest(lately)
    # Slow to import, and most commands open no connection.
    from newsletter_mailer.checking.links.looking import look_at, no_network  # noqa: PLC0415

    with watching(len(left)) as done:
        new = look_at(left, settings, clock=now, progress=done)
    if engine:
        with suppress(StoreError), writing(engine) as connection:
            remember(connection, new, now())
    return Newest(lately | new, no_network(new))


@contextmanager
def store_for_links(settings: Settings) -> Iterator[Engine | None]:
    """The store, to remember what was found; None where it cannot be opened just now."""
    impatient = settings.model_copy(
        update={"database_wait": min(settings.database_wait, _SHORT_WAIT)}
    )
    try:
        engine = open_store(impatient)
    except StoreError:
        yield None
        return
    try:
        yield engine
    finally:
        engine.dispose()
