"""A preview that lives: it watches files, makes editions, has them checked, and tells the page.

A save is shown as soon as it is compiled. Checks and links follow when nothing was saved for
a moment, so that they never hold a save up. Whoever listens is told of the newest state, not of
each one: fifty saves in a row leave nothing behind.
"""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from newsletter_mailer.checking.coverage import coverage
from newsletter_mailer.checking.links.verdict import LinkResult
from newsletter_mailer.checking.mail import look_over
from newsletter_mailer.errors import ContentError, NewsletterError
from newsletter_mailer.findings import Finding, Place
from newsletter_mailer.previewing.facts import Facts, edition_facts
from newsletter_mailer.previewing.links import KnownLinks, look_in_background
from newsletter_mailer.previewing.state import State
from newsletter_mailer.previewing.watching import watch
from newsletter_mailer.previewing.workshop import Edition, Trouble, Workshop
from newsletter_mailer.settings import SETTINGS_FILE, Settings

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things wait, in seconds.

    `gather` joins the changes that one save makes. `settle` is how long mistakes wait for
    the rest of a file that may be half-way written. `quiet` passes without a save before
    the mails are checked, and `links` before links are looked at that may be half typed.
    """

    gather: float = 0.01
    settle: float = 0.15
    quiet: float = 0.3
    links: float = 2.0


_USUAL = Pace()


class Live:
    """The newest edition of one issue, and whoever waits for a newer one."""

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        clock: Callable[[], dt.datetime],
        pace: Pace = _USUAL,
    ) -> None:
        self.state = State()
        self.begun = asyncio.Event()
        self.stopping = asyncio.Event()
        self.workshop = Workshop(settings.root, folder)
        self.wanted = ""
        """The agency that is looked at: its mail is made before the others."""
        self.folder = folder
        self._settings = settings
        self._clock = clock
        self._pace = pace
        self._turned = asyncio.Event()
        self._saved = asyncio.Event()
        self._maker = ThreadPoolExecutor(1, "maker")
        self._checker = ThreadPoolExecutor(1, "checker")
        self._tail: asyncio.Task[None] | None = None
        self._links = KnownLinks()
        self._looking = False
        self._last_whole: Edition | None = None
        self._facts: tuple[tuple[int, int], Facts] | None = None

    async def run(self) -> None:
        """Make the first edition, then follow the files until `stop`."""
        self._saved.set()
        watching = asyncio.create_task(
            watch(
                self.folder,
                self._settings,
                gather=self._pace.gather,
                stopping=self.stopping,
                saved=self._saved.set,
            )
        )
        making = asyncio.create_task(self._follow())
        try:
            await self.stopping.wait()
        finally:
            for task in (watching, making, self._tail):
                if task is not None:
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task
            for pool in (self._maker, self._checker):
                pool.shutdown(wait=False, cancel_futures=True)

    def stop(self) -> None:
        """End: every listener is let go. Called in the loop's own thread."""
        self.stopping.set()
        self._turn(self.state)

    async def states(self, heartbeat: float) -> AsyncIterator[State | None]:
        """The state, and each newer one; None where none came for `heartbeat` seconds."""
        seen = -1
        while not self.stopping.is_set():
            turned = self._turned
            if self.state.serial != seen:
                seen = self.state.serial
                yield self.state
                continue
            try:
                await asyncio.wait_for(turned.wait(), heartbeat)
            except TimeoutError:
                yield None

    async def whole(self) -> Edition | None:
        """The newest edition all of whose mails can be made; None where there is none.

        It waits for the first reading of the files.
        """
        await self.begun.wait()
        while not self.stopping.is_set():
            turned, edition = self._turned, self.state.edition
            if edition is None or edition.whole:
                return edition
            if self.state.trouble is not None:
                return self._last_whole  # the others of the newest cannot be made
            await turned.wait()
        return self._last_whole

    async def make(self, work: Callable[[], Result]) -> Result:
        """Do work with the workshop, in its own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._maker, work)

    async def aside(self, work: Callable[[], Result]) -> Result:
        """Do other work that takes long, beside the making of editions."""
        return await asyncio.get_running_loop().run_in_executor(self._checker, work)

    async def facts(self, edition: Edition) -> Facts:
        """What the page is told of an edition, worked out once for each check."""
        findings, key = self.state.findings, (edition.number, self.state.looked)
        if self._facts is None or self._facts[0] != key:
            self._facts = (key, await self.aside(lambda: edition_facts(edition, findings)))
        return self._facts[1]

    def look_again_at_links(self) -> None:
        """Ask for links anew that were not simply good."""
        self._links.forget_doubtful()
        self._begin_tail()

    def _show(self, state: State) -> None:
        self._turn(replace(state, serial=self.state.serial + 1))

    def _turn(self, state: State) -> None:
        self.state = state
        self.begun.set()
        turned, self._turned = self._turned, asyncio.Event()
        turned.set()

    async def _follow(self) -> None:
        while True:
            await self._saved.wait()
            self._saved.clear()
            made = await self._begun()
            if isinstance(made, Trouble) and await self._saved_within(self._pace.settle):
                continue
            if isinstance(made, Trouble):
                # What was half-way written may have been finished before it was watched.
                made = await self._begun()
            if isinstance(made, Edition):
                self._show(
                    replace(
                        self.state,
                        edition=made,
                        made_at=self._clock(),
                        trouble=None,
                        checking=True,
                    )
                )
                if self._saved.is_set():
                    continue
                made = await self._completed(made)
            if isinstance(made, Trouble):
                self._end_tail()
                self._show(replace(self.state, trouble=made, checking=False))
            else:
                self._last_whole = made
                self._show(replace(self.state, edition=made))
                self._begin_tail()

    async def _begun(self) -> Edition | Trouble:
        wanted = self.wanted
        return await self.make(lambda: self.workshop.begin(wanted))

    async def _completed(self, edition: Edition) -> Edition | Trouble:
        return await self.make(lambda: self.workshop.complete(edition))

    async def _saved_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._saved.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _begin_tail(self) -> None:
        self._end_tail()
        if self.state.edition is not None and self.state.trouble is None:
            self._tail = asyncio.create_task(self._finish(self.state.edition))

    def _end_tail(self) -> None:
        if self._tail is not None:
            self._tail.cancel()

    async def _finish(self, edition: Edition) -> None:
        """Check an edition and its links, unless a newer one comes first."""
        await asyncio.sleep(self._pace.quiet)
        await self._check(edition)
        if not edition.settings.links.check:
            self._show(replace(self.state, unlooked="the setting links.check is false"))
        elif self._links.left(edition.issue) and not self._looking:
            await asyncio.sleep(self._pace.links - self._pace.quiet)
            self._look_at_links(edition)
        await self.make(self.workshop.renew)

    async def _check(self, edition: Edition) -> None:
        links = self._links.findings(edition)
        answering = self._links.answering(edition.issue)

        def check() -> tuple[Finding, ...]:
            found = [*edition.findings, *coverage(edition.issue, edition.registry)]
            try:
                looked = look_over(
                    edition.issue,
                    edition.emails,
                    edition.registry,
                    edition.settings,
                    links=links,
                    answering=answering,
                )
            except ContentError as error:
                return tuple(sorted([*found, *error.findings]))
            except NewsletterError as error:
                wrong = Finding(Place(SETTINGS_FILE), "settings", str(error))
                return tuple(sorted([*found, wrong]))
            return tuple(sorted([*found, *looked.findings]))

        findings = await self.aside(check)
        self._show(
            replace(self.state, findings=findings, looked=self.state.looked + 1, checking=False)
        )

    def _look_at_links(self, edition: Edition) -> None:
        loop = asyncio.get_running_loop()
        urls = self._links.left(edition.issue)
        self._looking = True

        def progress(number: int) -> None:
            _tell(loop, self._progress, number)

        def done(results: Mapping[str, LinkResult]) -> None:
            _tell(loop, self._looked, results)

        self._show(replace(self.state, links_done=0, links_all=len(urls)))
        look_in_background(urls, edition.settings, progress=progress, done=done)

    def _progress(self, number: int) -> None:
        self._show(replace(self.state, links_done=number))

    def _looked(self, results: Mapping[str, LinkResult]) -> None:
        self._looking = False
        self._links.results |= results
        self._show(replace(self.state, links_done=0, links_all=0))
        if results:
            self._begin_tail()


def _tell(loop: asyncio.AbstractEventLoop, what: Callable[[Result], None], word: Result) -> None:
    """Call something in the loop's thread; a loop that has ended needs to know nothing."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(what, word)
