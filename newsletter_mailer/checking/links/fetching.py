"""Asking for one URL: as few requests as tell what a reader would meet.

A document (by its path's ending) is asked for with HEAD, which tells its type and size,
and with GET where the answer is in doubt: many servers answer HEAD wrongly. A page is
asked for with GET at once, and reading stops early. HEAD could not tell a page from a
polite "not found" that comes with status 200, so that GET would have to follow each time:
two requests a page instead of one, for servers that mostly make the whole page for both.
"""

import asyncio
import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import aiohttp
from yarl import URL

from newsletter_mailer.checking.links.answer import (
    OF_THE_HOST,
    OF_THE_NETWORK,
    TRANSIENT,
    Answer,
    Failure,
    Trail,
    Trouble,
)
from newsletter_mailer.checking.links.failing import failure_of
from newsletter_mailer.checking.links.guard import Guard, RefusedError, UnresolvedError
from newsletter_mailer.checking.links.network import Network
from newsletter_mailer.checking.links.pacing import Pacer
from newsletter_mailer.checking.links.receiving import (
    REDIRECTS,
    Body,
    parse,
    read_body,
    read_headers,
)
from newsletter_mailer.checking.links.verdict import Hop

Method = Literal["HEAD", "GET"]

MOST_REDIRECTS = 10

_DOCUMENTS = re.compile(
    r"pdf|docx?|dotx?|odt|rtf|xls[xm]?|ods|csv|pptx?|pp[st]x?|odp|zip|epub|ics|txt|xml|json"
    r"|jpe?g|png|gif|webp|svg|tiff?|bmp|mp[34]|m4[av]|wav|ogg|mov|avi|wmv|webm|exe|msi|dmg",
    re.IGNORECASE,
)
_PAGES = frozenset({"text/html", "application/xhtml+xml"})

_OK = 200
_PARTIAL = 206
_NOT_THAT_RANGE = 416
_TOO_MANY_REQUESTS = 429
_UNAVAILABLE = 503


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds. `pauses` come before each further try after a passing failure.

    `longest_wait` is how long a Retry-After is waited for, `request` the longest that one
    request may take and `link` all requests of one link.
    """

    request: float
    link: float
    pauses: tuple[float, ...]
    longest_wait: float


@dataclass(slots=True)
class Errand:
    """What is spent on one link; `for_places` asks for enough of a page to find places in."""

    for_places: bool = False
    spent: float = 0.0


@dataclass(slots=True)
class Fetcher:
    """Asks servers, through the guard and at the pacer's pace. One for all links of a run."""

    session: aiohttp.ClientSession
    guard: Guard
    pacer: Pacer
    network: Network
    limits: Limits
    clock: Callable[[], dt.datetime]
    _dead: dict[tuple[str, int], Failure] = field(default_factory=dict)

    async def follow(self, link: str, *, for_places: bool = False) -> Trail:
        """Ask for a link, and go where it sends, at most ten times. Raises nothing."""
        errand = Errand(for_places)
        chain: list[Hop] = []
        cookies = False
        url, place = link, ""
        while True:
            end = await self._insist(url, errand)
            if isinstance(end, Failure) or end.status not in REDIRECTS:
                break
            cookies |= end.sets_cookie
            chain.append(Hop(url, end.status))
            target = _target(url, end.location)
            if target is None:
                end = Failure(Trouble.REDIRECT)
            elif target.partition("#")[0] in {hop.url for hop in chain}:
                end = Failure(Trouble.LOOP, may_need_cookies=cookies)
            elif len(chain) > MOST_REDIRECTS:
                end = Failure(Trouble.REDIRECTS, may_need_cookies=cookies)
            if isinstance(end, Failure):
                break
            url, _, fragment = (target or "").partition("#")
            place = fragment or place
        return Trail(f"{url}#{place}" if place else url, end, tuple(chain), round(errand.spent, 3))

    async def once(self, url: str) -> Answer | Failure:
        """Ask for a URL once, without trying again and without going where it sends."""
        try:
            checked = self.guard.check(url)
        except RefusedError as refused:
            return _refusal(refused)
        return await self._ask(checked, "HEAD" if is_document(checked) else "GET", Errand())

    async def _insist(self, url: str, errand: Errand) -> Answer | Failure:
        """Ask for one URL, again after a pause where a failure may pass."""
        try:
            checked = self.guard.check(url)
        except RefusedError as refused:
            return _refusal(refused)
        door = (checked.raw_host or "", checked.port or 0)
        if door in self._dead:
            return self._dead[door]
        for pause in (*self.limits.pauses, None):
            end = await self._look(checked, errand)
            wait = _pause_before_next(end, pause, self.limits)
            if wait is None or errand.spent >= self.limits.link or door in self._dead:
                break
            if isinstance(end, Answer) and end.status in {_TOO_MANY_REQUESTS, _UNAVAILABLE}:
                self.pacer.close(door[0], wait)
            await asyncio.sleep(wait)
        if isinstance(end, Failure) and end.trouble in OF_THE_HOST:
            self._dead[door] = end
        return end

    async def _look(self, url: URL, errand: Errand) -> Answer | Failure:
        """Ask by HEAD where that may do, and by GET where it does not."""
        if not is_document(url):
            return await self._ask(url, "GET", errand)
        head = await self._ask(url, "HEAD", errand)
        if isinstance(head, Failure):
            hopeless = head.trouble in OF_THE_HOST | {Trouble.TLS, Trouble.GUARD}
            return head if hopeless else await self._ask(url, "GET", errand)
        if head.status in REDIRECTS or head.status == _TOO_MANY_REQUESTS:
            return head
        if head.status != _OK or head.media_type in _PAGES:
            return await self._ask(url, "GET", errand)
        if head.size is None:
            return await self._ask(url, "GET", errand, first_byte=True)
        return head

    async def _ask(
        self, url: URL, method: Method, errand: Errand, *, first_byte: bool = False
    ) -> Answer | Failure:
        """One request. Every way in which a server or the network may fail ends here."""
        host = url.raw_host or ""
        loop = asyncio.get_running_loop()
        async with self.pacer.turn(host):
            begin = loop.time()
            time_left = min(self.limits.request, self.limits.link - errand.spent)
            self.network.tried.add(host)
            try:
                async with asyncio.timeout(max(time_left, 0.001)):
                    answer, body = await self._exchange(url, method, errand, first_byte=first_byte)
            except RefusedError as refused:
                return _refusal(refused)
            except (aiohttp.ClientError, UnresolvedError, OSError, ValueError) as error:
                failure = failure_of(error)
                if failure.trouble not in OF_THE_NETWORK and not isinstance(error, TimeoutError):
                    self.network.answered = True
                return failure
            finally:
                errand.spent += loop.time() - begin
        if body is None:
            return answer
        # Whoever waits for this turn sends first, and while the server works there is time.
        await asyncio.sleep(0)
        page = await parse(body)
        asks = answer.challenge or (page is not None and page.challenges)
        return replace(answer, page=page, challenge=asks)

    async def _exchange(
        self, url: URL, method: Method, errand: Errand, *, first_byte: bool
    ) -> tuple[Answer, Body | None]:
        # A document's size is in the answer to a request for its first byte.
        headers = {"Range": "bytes=0-0"} if first_byte else {}
        async with self.session.request(
            method, url, allow_redirects=False, headers=headers
        ) as response:
            answer = read_headers(response, self.clock)
            if first_byte and response.status in {_PARTIAL, _NOT_THAT_RANGE}:
                return replace(answer, status=_OK), None
            if method == "HEAD" or answer.media_type not in _PAGES or answer.location:
                # The body is left unread, and with it the connection.
                return answer, None
            return answer, await read_body(response, for_places=errand.for_places)


def is_document(url: URL) -> bool:
    """Whether a path ends as the names of documents and media do."""
    stem, _, ending = url.raw_path.rpartition("/")[2].rpartition(".")
    return bool(stem and _DOCUMENTS.fullmatch(ending))


def _target(url: str, location: str | None) -> str | None:
    """Where a redirect leads, as it is written; None where it does not say."""
    if not location or not location.strip():
        return None
    # Servers write UTF-8 into headers, which aiohttp reads with surrogates for odd bytes.
    text = location.strip().encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    try:
        base = URL(url, encoded=True)
        return str(base.join(URL(text, encoded=True)))
    except ValueError:
        return text


def _pause_before_next(end: Answer | Failure, pause: float | None, limits: Limits) -> float | None:
    """The seconds after which to ask again; None where that is of no use, or was the last try."""
    if pause is None:
        return None
    if isinstance(end, Failure):
        return pause if end.trouble in TRANSIENT else None
    if end.challenge:
        return None
    if end.status == _TOO_MANY_REQUESTS or (end.status == _UNAVAILABLE and end.wait is not None):
        wait = pause if end.wait is None else end.wait
        return wait if wait <= limits.longest_wait else None
    passing = end.status == 408 or (500 <= end.status < 600 and end.status not in {501, 505})  # noqa: PLR2004 - RFC 9110, 15
    return pause if passing else None


def _refusal(refused: RefusedError) -> Failure:
    return Failure(Trouble.GUARD, refused.words, refused.ground)
