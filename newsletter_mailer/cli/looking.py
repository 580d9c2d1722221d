"""Looking at an issue's links for a command: what is known of late, the rest with a bar."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import Engine

from newsletter_mailer.checking.links.cache import GOOD, remember, remembered
from newsletter_mailer.checking.links.checked import CheckedLink, checked_links
from newsletter_mailer.checking.links.findings import link_findings, no_network_finding
from newsletter_mailer.checking.links.mentions import mentions
from newsletter_mailer.checking.links.personal import to_fetch
from newsletter_mailer.checking.links.verdict import LinkResult, Verdict
from newsletter_mailer.cli.console import progress
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.errors import StoreError
from newsletter_mailer.findings import Finding
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.reading.urls import WEB
from newsletter_mailer.settings import Settings
from newsletter_mailer.store.engine import open_store, reading, writing

_SHORT_WAIT = 2.0
"""Seconds to wait for the database when it only spares us some requests."""

OFFLINE = "No network was used, as asked"
PERSONAL = "Opening it could do something in one reader's name, so it never is"


@dataclass(frozen=True, slots=True)
class LinkLook:
    """An issue's links as they were found, and what is to be said of them.

    `unlooked` says why none was looked at: empty where they were.
    """

    links: tuple[CheckedLink, ...]
    findings: tuple[Finding, ...]
    unlooked: str = ""

    @property
    def results(self) -> dict[str, LinkResult]:
        """What is known, by URL."""
        return {link.url: link.result for link in self.links}

    @property
    def answering(self) -> frozenset[str]:
        """The URLs that lead to a page."""
        return frozenset(url for url, result in self.results.items() if result.verdict in GOOD)


def now() -> dt.datetime:
    """This moment, in UTC."""
    return dt.datetime.now(dt.UTC)


def look_at_links(
    issue: Issue,
    emails: Sequence[CompiledEmail],
    settings: Settings,
    *,
    engine: Engine | None,
    offline: bool = False,
    fresh: bool = False,
    quiet: bool = False,
    before: LinkLook | None = None,
) -> LinkLook:
    """Look at the links of an issue, each at most once a day.

    `engine` holds what was found lately; without one nothing is remembered. `fresh` asks
    every server again. What was found just `before`, in another state of the files, is not
    asked again.
    """
    here = mentions(issue)
    urls = to_fetch(here)
    started = now()
    personal = {
        mention.url: LinkResult(mention.url, Verdict.UNCHECKED, PERSONAL, started)
        for mention in here
        if urlsplit(mention.url).scheme in WEB and mention.url not in urls
    }
    if offline or not settings.links.check:
        why = OFFLINE if offline else "The setting links.check is false"
        results = {url: LinkResult(url, Verdict.UNCHECKED, why, started) for url in urls}
        return LinkLook(checked_links(issue, emails, personal | results), (), why)
    asked = before.results if before else {}
    left = [url for url in urls if url not in asked]
    answers = newest(left, settings, engine=engine, fresh=fresh, quiet=quiet)
    links = checked_links(issue, emails, {**personal, **asked, **answers.results})
    findings = link_findings(links)
    unlooked = ""
    lost = sum(link.result.verdict is Verdict.UNCHECKED for link in links if link.url in urls)
    if lost:
        findings.append(no_network_finding(issue.place, lost, len(urls)))
        unlooked = "There is no network"
    return LinkLook(links, tuple(findings), unlooked)


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
    fresh: bool,
    quiet: bool,
) -> Newest:
    """Look at URLs, but for those that `engine` knows to have been good within a day."""
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

    with progress("Looking at links", len(left), quiet=quiet) as done:
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
