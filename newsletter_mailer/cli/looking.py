"""Looking at an issue's links for a command: what is known of late, the rest with a bar."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import Engine

from newsletter_mailer.checking.links.cache import GOOD
from newsletter_mailer.checking.links.checked import CheckedLink, checked_links
from newsletter_mailer.checking.links.findings import link_findings, no_network_finding
from newsletter_mailer.checking.links.mentions import mentions
from newsletter_mailer.checking.links.newest import newest, now
from newsletter_mailer.checking.links.personal import to_fetch
from newsletter_mailer.checking.links.verdict import LinkResult, Verdict
from newsletter_mailer.cli.console import progress
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.findings import Finding
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.reading.urls import WEB
from newsletter_mailer.settings import Settings

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


def bar(*, quiet: bool) -> Callable[[int], AbstractContextManager[Callable[[int], None]]]:
    """What shows how far looking at links is."""
    return lambda left: progress("Looking at links", left, quiet=quiet)


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
    answers = newest(left, settings, engine=engine, watching=bar(quiet=quiet), fresh=fresh)
    links = checked_links(issue, emails, {**personal, **asked, **answers.results})
    findings = link_findings(links)
    unlooked = ""
    lost = sum(link.result.verdict is Verdict.UNCHECKED for link in links if link.url in urls)
    if lost:
        findings.append(no_network_finding(issue.place, lost, len(urls)))
        unlooked = "There is no network"
    return LinkLook(links, tuple(findings), unlooked)
