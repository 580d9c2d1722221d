"""What is shown of a living preview, worked out when it is asked for."""

import datetime as dt
from collections.abc import Callable

from fastapi import HTTPException

from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.previewing import messages
from newsletter_mailer.previewing.facts import Facts, state_facts
from newsletter_mailer.previewing.live import Live
from newsletter_mailer.previewing.printing import chromium, pdf
from newsletter_mailer.previewing.readers import SAMPLES, Reader, subscribers
from newsletter_mailer.previewing.workshop import Edition
from newsletter_mailer.reading.document import Image
from newsletter_mailer.settings import Settings

MEDIA_TYPES = {
    "eml": "message/rfc822",
    "html": "text/html; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "pdf": "application/pdf",
}
"""The kinds of files that a variant can be had as, by their endings."""


class Shown:
    """The newest edition, for the application's answers."""

    def __init__(self, live: Live, settings: Settings, clock: Callable[[], dt.datetime]) -> None:
        self.live = live
        self.settings = settings
        self.clock = clock
        self._web_pages: tuple[int, dict[str, str]] = (0, {})

    async def edition(self) -> Edition:
        """The newest edition, all its mails made; 404 where there was none yet."""
        edition = await self.live.whole()
        if edition is None:
            raise HTTPException(404, "There is nothing to see yet.")
        return edition

    async def version(self, agency: str) -> tuple[Edition, CompiledEmail]:
        """The newest mail of an agency, which from now on is made first."""
        self.live.wanted = agency
        edition = self.live.state.edition
        if edition is None or agency not in edition.by_agency:
            edition = await self.edition()
        if agency not in edition.by_agency:
            raise HTTPException(404, "There is no such agency.")
        return edition, edition.by_agency[agency]

    async def image(self, name: str) -> Image:
        """A picture of the mails; 404 where none of them has it."""
        begun = self.live.state.edition
        images = begun.images if begun and name in begun.images else (await self.edition()).images
        if name not in images:
            raise HTTPException(404, "The mail has no such picture.")
        return images[name]

    async def facts(self) -> Facts:
        """All that the page is told; it waits for the first reading of the files."""
        edition = await self.live.whole()
        state = self.live.state
        made = {} if edition is None else await self.live.facts(edition)
        return {
            **made,
            "live": True,
            "root": str(self.settings.root),
            "editor": self.settings.preview.editor,
            "pdf": chromium() is not None,
            "state": state_facts(state, self.settings.office.zone),
        }

    async def web_pages(self, edition: Edition) -> dict[str, str]:
        """The pages for the archive, made once an edition."""
        number, pages = self._web_pages
        if number != edition.number:
            pages = await self.live.make(lambda: self.live.workshop.web_pages(edition))
            self._web_pages = (edition.number, pages)
        return pages

    async def file(self, agency: str, ending: str, reader_key: str) -> tuple[bytes, str]:
        """What an agency gets as a file, and the file's name; 404 for what there is not."""
        edition = await self.edition()
        if agency not in edition.by_agency or ending not in MEDIA_TYPES:
            raise HTTPException(404, "There is no such file.")
        reader = await self._reader(reader_key, agency, edition)
        name = messages.file_name(edition, agency, ending)
        if ending == "eml":
            return messages.message(edition, agency, reader, self.clock()), name
        if ending == "txt":
            return messages.text(edition, agency, reader).encode(), name
        html = messages.page(edition, agency, reader)
        return (await pdf(html) if ending == "pdf" else html.encode()), name

    async def _reader(self, key: str, agency: str, edition: Edition) -> Reader:
        """The reader that is named; the usual one where nobody is."""
        known = {reader.key: reader for reader in SAMPLES}
        if key and key not in known:
            found = await self.live.aside(lambda: subscribers(edition.settings, agency))
            known |= {reader.key: reader for reader in found}
        return known.get(key, SAMPLES[0])
