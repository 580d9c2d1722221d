"""Looking at links behind the page: each once, what was good within a day not at all."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from newsletter_mailer.checking.links.cache import GOOD
from newsletter_mailer.checking.links.checked import checked_links
from newsletter_mailer.checking.links.findings import link_findings, no_network_finding
from newsletter_mailer.checking.links.mentions import mentions
from newsletter_mailer.checking.links.newest import newest, store_for_links
from newsletter_mailer.checking.links.personal import is_personal, to_fetch
from newsletter_mailer.checking.links.verdict import LinkResult, Verdict
from newsletter_mailer.findings import Finding
from newsletter_mailer.previewing.workshop import Edition
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.reading.urls import WEB
from newsletter_mailer.settings import Settings


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
    done: Callable[[Mapping[str, LinkResult]], None],
) -> None:
    """Look at links in a thread of their own, which dies with the program.

    `progress` hears how many are done, `done` all results; both are called in that thread.
    `done` is called whatever happens.
    """

    def work() -> None:
        results: Mapping[str, LinkResult] = {}
        try:
            results = _look(urls, settings, progress)
        finally:
            done(results)

    threading.Thread(target=work, name="links", daemon=True).start()


def _look(
    urls: Sequence[str], settings: Settings, progress: Callable[[int], None]
) -> Mapping[str, LinkResult]:
    @contextmanager
    def counting(left: int) -> Iterator[Callable[[int], None]]:
        known = len(urls) - left
        progress(known)
        yield lambda number: progress(known + number)

    with store_for_links(settings) as engine:
        return newest(urls, settings, engine=engine, watching=counting).results


def _urls(issue: Issue) -> list[str]:
    return [
        mention.url
        for mention in mentions(issue)
        if urlsplit(mention.url).scheme in WEB and not is_personal(mention.url)
    ]
