"""A compiled mail: what all readers of one variant get, open only at the merge fields."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from newsletter_mailer.compiling.calendar import CalendarFile
from newsletter_mailer.compiling.merge import IMAGE, Segments
from newsletter_mailer.reading.document import Article, Image


@dataclass(frozen=True)
class CompiledEmail:
    """One variant, named after the first of its agencies in the registry."""

    name: str
    agencies: tuple[str, ...]
    subject: Segments
    html: Segments
    text: Segments
    images: tuple[Image, ...]
    calendars: tuple[CalendarFile, ...]

    @cached_property
    def content_hash(self) -> str:
        """A SHA-256 of everything that a reader of this variant gets, in hexadecimal."""
        content = [str(self.subject), str(self.html), str(self.text)]
        content += [image.sha256 for image in self.images]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def html_with_images(self, prefix: str) -> Segments:
        """The HTML whose pictures are at `prefix` and their name."""
        return self.html.settle(
            lambda name: prefix + name.removeprefix(IMAGE) if name.startswith(IMAGE) else None
        )


@dataclass(frozen=True, slots=True)
class WebPage:
    """A variant as a page of its own, for the archive."""

    name: str
    agencies: tuple[str, ...]
    html: str


@dataclass(frozen=True, slots=True)
class AgencyPage:
    """An issue as one agency sees it in the archive, what it says, and in plain text.

    `variant` is the agency that the variant is named after; `texts` are by article id.
    """

    agency: str
    variant: str
    html: str
    articles: tuple[Article, ...]
    texts: Mapping[str, str]
