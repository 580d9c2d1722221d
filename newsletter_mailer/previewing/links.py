"""Looking at links behind the page: each once, what was good within a day not at all."""

import datetime as dt
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from newsletter_mailer.checking.links.cache import GOOD, remember, remembered
from newsletter_mailer.checking.links.checked import checked_links
from newsletter_mailer.checking.links.findings import link_findings, no_network_finding
from newsletter_mailer.checking.links.mentions import mentions
from newsletter_mailer.checking.links.personal import is_personal, to_fetch
from newsletter_mailer.checking.links.verdict import LinkResult, Verdict
from newsletter_mailer.errors import StoreError
from newsletter_mailer.findings import Finding
from newsletter_mailer.previewing.workshop import Edition
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.reading.urls import WEB
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.engine import open_store, reading, writing

_SHORT_WAIT = 2.0
"""Seconds to wait for the database, which only spares some requests."""


def now() -> dt.datetime:
    """This moment, in UTC."""
    return dt.datetime.now(dt.UTC)


@dataclass(slots=True)
class KnownLinks:
    """What is known of links since the preview began. Used from one thread."""

    results: dict[str, LinkResult] = field(default_factory=dict)

    def left(self, issue: Issue) -> list[str]:
        """The links of an issue that nobody has looked at yet."""
        return [url for url in to_fetch(mentions(issue)) if url not in self.results]

    def forget_doubtful(self) -> None:
        """Look again at what was not simply good."""
        self.results = {
            url: result for url, result in self.results.items() if result.verdict is Verdict.OK
        }

    def findings(self, edition: Edition) -> list[Finding]:
        """What is to be said of an edition's links as far as they were looked at."""
        issue = edition.issue
        here = {url: self.results[url] for url in _urls(issue) if url in self.results}
        found = link_findings(checked_links(issue, edition.emails, here))
        lost = sum(result.verdict is Verdict.UNCHECKED for result in here.values())
        if lost:
            found.append(no_network_finding(issue.place, lost, len(here)))
        return found

    def answering(self, issue: Issue) -> frozenset[str]:
        """The links that lead to a page."""
        return frozenset(
            url for url in _urls(issue) if url in self.results and self.results[url].verdict in GOOD
        )


def look_in_background(
    urls: Sequence[str],
    settings: Settings,
    *,
    progress: Callable[[int], None],
    done: Callable[[dict[str, LinkResult]], None],
) -> None:
    """Look at links in a thread of their own, which dies with the program.

    `progress` hears how many are done, `done` all results; both are called in that thread.
    `done` is called whatever happens.
    """

    def work() -> None:
        results: dict[str, LinkResult] = {}
        try:
            results = _look(urls, settings, progress)
        finally:
            done(results)

    threading.Thread(target=work, name="links", daemon=True).start()


def _look(
    urls: Sequence[str], settings: Settings, progress: Callable[[int], None]
) -> dict[str, LinkResult]:
    lately = _lately(urls, settings)
    progress(len(lately))
    left = [url for url in urls if url not in lately]
    if not left:
        return lately
    # Slow to import, and without a new link nothing of it is needed.
    from newsletter_mailer.checking.links.looking import look_at  # noqa: PLC0415

    new = look_at(left, settings, clock=now, progress=lambda number: progress(len(lately) + number))
    _keep(new, settings)
    return lately | new


def _lately(urls: Sequence[str], settings: Settings) -> dict[str, LinkResult]:
    # A store that cannot be used must not keep an editor from checking.
    with suppress(StoreError):
        engine = open_store(_impatient(settings))
        try:
            with reading(engine) as connection:
                return remembered(connection, urls, now())
        finally:
            engine.dispose()
    return {}


def _keep(results: dict[str, LinkResult], settings: Settings) -> None:
    with suppress(StoreError):
        engine = open_store(_impatient(settings))
        try:
            with writing(engine) as connection:
                remember(connection, results, now())
        finally:
            engine.dispose()


def _impatient(settings: Settings) -> Settings:
    return settings.model_copy(update={"database_wait": min(settings.database_wait, _SHORT_WAIT)})


def _urls(issue: Issue) -> list[str]:
    return [
        mention.url
        for mention in mentions(issue)
        if urlsplit(mention.url).scheme in WEB and not is_personal(mention.url)
    ]
