"""Looking at links: what each leads to, found out without doing harm.

Requests are few: one for a page and one for a document, as `fetching.py` explains. Only
what looks doubtful costs one more: a page that says there is nothing (one request a host,
for an address that cannot be there), an http link (one request, whether https answers too).
"""

import asyncio
import datetime as dt
import secrets
import ssl
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from newsletter_mailer.checking.links.answer import (
    OF_THE_NETWORK,
    Answer,
    Failure,
    Trail,
    Trouble,
)
from newsletter_mailer.checking.links.connecting import open_session
from newsletter_mailer.checking.links.fetching import Fetcher, Limits
from newsletter_mailer.checking.links.guard import Guard, Lookup, UnresolvedError, system_lookup
from newsletter_mailer.checking.links.judging import (
    Judgement,
    answers_securely,
    gone_softly,
    is_deep,
    judge,
    lacks_place,
    secure_form,
    with_fragment_of,
)
from newsletter_mailer.checking.links.network import CONTROL_NAME, Network
from newsletter_mailer.checking.links.pacing import Pacer
from newsletter_mailer.checking.links.page import Page, alike
from newsletter_mailer.checking.links.verdict import LinkResult, Verdict
from newsletter_mailer.settings import Settings

_REQUESTS_A_LINK = 3
"""How many times the time of one request all requests of a link may take."""

_OK = 200
_GONE = frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class Conditions:
    """What links are looked at under; tests set their own. All times are in seconds.

    `pauses` come before each new try, `longest_wait` is the longest Retry-After waited
    for, and `patience` the time in which something must answer, or there is no network.
    `tls` trusts other authorities than this machine does, `doors` are ports that lead to
    others, and `made_up` gives a name that no server knows.
    """

    pauses: tuple[float, ...] = (1.0, 3.0)
    longest_wait: float = 10.0
    patience: float = 4.0
    tls: ssl.SSLContext | None = None
    doors: Mapping[int, int] = field(default_factory=dict)
    made_up: Callable[[], str] = secrets.token_hex


_USUAL = Conditions()


def look_at(
    urls: Iterable[str],
    settings: Settings,
    *,
    clock: Callable[[], dt.datetime],
    progress: Callable[[int], None] = lambda _: None,
    resolver: Lookup | None = None,
    conditions: Conditions = _USUAL,
) -> dict[str, LinkResult]:
    """Look at each URL, and say what was found. Raises nothing for what a server does.

    URLs that differ only in their fragments are fetched once. `clock` gives the time with
    its zone, `progress` hears how many URLs are done so far, and `resolver` stands in the
    place of this machine's own.
    """
    wanted = list(dict.fromkeys(urls))
    if not wanted:
        return {}
    return asyncio.run(
        _look_at(
            wanted,
            settings,
            clock=clock,
            progress=progress,
            lookup=resolver or system_lookup,
            conditions=conditions,
        )
    )


def no_network(results: Mapping[str, LinkResult]) -> bool:
    """Whether links were left unchecked because there was no network."""
    return any(result.verdict is Verdict.UNCHECKED for result in results.values())


async def _look_at(
    wanted: list[str],
    settings: Settings,
    *,
    clock: Callable[[], dt.datetime],
    progress: Callable[[int], None],
    lookup: Lookup,
    conditions: Conditions,
) -> dict[str, LinkResult]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for url in wanted:
        groups[url.partition("#")[0]].append(url)
    network = Network(conditions.patience)
    guard = Guard(
        ports=settings.links.ports,
        allowed=settings.links_allow,
        lookup=lookup,
        patience=min(settings.links.timeout, 10.0),
        heard=network.name_heard,
        doors=conditions.doors,
    )
    async with open_session(settings, guard, network, conditions.tls) as session:
        limits = Limits(
            request=settings.links.timeout,
            link=settings.links.timeout * _REQUESTS_A_LINK,
            pauses=conditions.pauses,
            longest_wait=conditions.longest_wait,
        )
        fetcher = Fetcher(session, guard, Pacer(), network, limits, clock)
        looker = _Looker(fetcher, clock, conditions.made_up, progress)
        try:
            lost = await _unless_lost(looker, groups, network, guard)
        finally:
            await guard.close()
    if lost:
        progress(len(wanted))
    return {
        url: _unchecked(url, clock()) if lost and looker.is_open(url) else looker.results[url]
        for url in wanted
    }


async def _unless_lost(
    looker: "_Looker", groups: Mapping[str, list[str]], network: Network, guard: Guard
) -> bool:
    """Look at all links, and stop early where there is no network; True where there is none."""

    async def control() -> bool:
        try:
            async with asyncio.timeout(network.patience):
                return bool(await guard.addresses(CONTROL_NAME))
        except (UnresolvedError, TimeoutError):
            return False

    links = [asyncio.create_task(looker.look(*group)) for group in groups.items()]
    all_done: asyncio.Future[Any] = asyncio.gather(*links)
    watch: asyncio.Future[Any] = asyncio.create_task(
        network.lost(lambda: asyncio.create_task(control()), guard.awaited)
    )
    try:
        await asyncio.wait({all_done, watch}, return_when=asyncio.FIRST_COMPLETED)
        if watch.done() and watch.result():
            return True
        await all_done
        if network.answered or not looker.failed & OF_THE_NETWORK:
            return False
        if not network.names_found:
            return not await control()
        return looker.failed == {Trouble.UNREACHABLE}
    finally:
        for task in (watch, *links):
            task.cancel()
        await asyncio.gather(watch, *links, all_done, return_exceptions=True)


@dataclass(slots=True)
class _Looker:
    """Looks at links one by one, and keeps what was found."""

    fetcher: Fetcher
    clock: Callable[[], dt.datetime]
    made_up: Callable[[], str]
    progress: Callable[[int], None]
    results: dict[str, LinkResult] = field(default_factory=dict)
    failed: set[Trouble] = field(default_factory=set)
    _troubles: dict[str, Trouble] = field(default_factory=dict)
    _made_up_pages: dict[str, "asyncio.Task[Trail]"] = field(default_factory=dict)

    def is_open(self, url: str) -> bool:
        """Whether a link may be good after all, when there was no network."""
        return url not in self.results or self._troubles.get(url) in OF_THE_NETWORK

    async def look(self, plain: str, links: list[str]) -> None:
        """Look at links that are one URL but for their fragments."""
        fragments = [link.partition("#")[2] for link in links]
        trail = await self.fetcher.follow(plain, for_places=any(fragments))
        judgement = judge(plain, trail)
        answer = trail.end
        if isinstance(answer, Failure):
            self.failed.add(answer.trouble)
            self._troubles |= dict.fromkeys(links, answer.trouble)
        elif judgement.verdict in {Verdict.OK, Verdict.MOVED, Verdict.TEMPORARY}:
            judgement = await self._second_look(plain, trail, answer, judgement)
        for link, fragment in zip(links, fragments, strict=True):
            self.results[link] = self._result(link, trail, _at_place(judgement, answer, fragment))
        self.progress(len(self.results))

    async def _second_look(
        self, plain: str, trail: Trail, answer: Answer, judgement: Judgement
    ) -> Judgement:
        page = answer.page
        if page is not None and await self._is_gone_softly(trail.url, page):
            return gone_softly(page)
        secure = secure_form(plain)
        if judgement.verdict is not Verdict.OK or secure is None or answer.status != _OK:
            return judgement
        other = await self.fetcher.once(secure)
        return answers_securely(secure) if _same(answer, other) else judgement

    async def _is_gone_softly(self, url: str, page: Page) -> bool:
        """Whether a doubtful page is what its host shows for an address that cannot be there."""
        parts = urlsplit(url)
        points_home = bool(page.canonical) and is_deep(url) and not _is_deep(page.canonical)
        if not page.gone and not points_home:
            return False
        host = parts.netloc
        if host not in self._made_up_pages:
            folder, _, last = parts.path.rpartition("/")
            ending = last[last.rindex(".") :] if "." in last else ""
            sibling = urlunsplit(parts._replace(path=f"{folder}/{self.made_up()}{ending}"))
            self._made_up_pages[host] = asyncio.create_task(self.fetcher.follow(sibling))
        other = (await asyncio.shield(self._made_up_pages[host])).end
        if isinstance(other, Answer) and other.page is not None:
            return alike(page, other.page)
        # With nothing to compare it with, the page is taken at its word.
        return bool(page.gone) and not (isinstance(other, Answer) and other.status in _GONE)

    def _result(self, link: str, trail: Trail, judgement: Judgement) -> LinkResult:
        answer = trail.end if isinstance(trail.end, Answer) else None
        replacement = judgement.replacement
        return LinkResult(
            url=link,
            verdict=judgement.verdict,
            reason=judgement.reason,
            checked_at=self.clock(),
            status=answer.status if answer else (trail.chain[-1].status if trail.chain else None),
            chain=trail.chain,
            final_url=trail.url,
            media_type=answer.media_type if answer else "",
            size=answer.size if answer else None,
            seconds=trail.seconds,
            suggestion=judgement.suggestion,
            replacement=replacement and with_fragment_of(link, replacement),
        )


def _at_place(judgement: Judgement, answer: Answer | Failure, fragment: str) -> Judgement:
    """The judgement on a link to a place in the page that was judged."""
    if judgement.verdict not in {Verdict.OK, Verdict.MOVED, Verdict.TEMPORARY}:
        return judgement
    page = answer.page if isinstance(answer, Answer) else None
    if page is None or page.has(fragment) is not False:
        return judgement
    return lacks_place(fragment)


def _same(plain: Answer, secure: Answer | Failure) -> bool:
    """Whether https gives what http gave: a server may show something else there."""
    if isinstance(secure, Failure) or secure.status != plain.status or secure.challenge:
        return False
    if secure.media_type != plain.media_type:
        return False
    if plain.page is not None and secure.page is not None:
        return plain.page.title == secure.page.title
    return plain.size == secure.size


def _is_deep(url: str) -> bool:
    try:
        return is_deep(url)
    except ValueError:
        return True


def _unchecked(url: str, now: dt.datetime) -> LinkResult:
    return LinkResult(
        url=url,
        verdict=Verdict.UNCHECKED,
        reason="Nothing could be reached: this machine seems to have no network.",
        checked_at=now,
        suggestion="Check again when there is a network.",
    )
