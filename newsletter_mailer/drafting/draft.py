"""A draft: what a document of somebody's says, before it is an article."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from newsletter_mailer.findings import Finding, Place, Severity
from newsletter_mailer.reading.document import Block, Inlines

UNPLACED = Place("")
"""The place of blocks that stand in no file yet."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a draft. `name` is its file's in `images/`; `alt` may still be missing."""

    name: str
    alt: str
    caption: Inlines = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """Lines that are in this project's own form already, such as a `:::` block."""

    text: str


DraftBlock = Block | Picture | Kept


@dataclass(frozen=True, slots=True)
class Draft:
    """A whole draft: its blocks, its pictures by their names, and what was lost on the way.

    `title` and `language` are empty where the document does not say them. With `whole`
    it is one article, whatever headings it has.
    """

    blocks: tuple[DraftBlock, ...]
    pictures: Mapping[str, bytes]
    notes: tuple[Finding, ...]
    title: str = ""
    language: str = ""
    summary: str = ""
    whole: bool = False


@dataclass(slots=True)
class Notes:
    """Gathers what an import left out, took over in another form, or wants to be looked at."""

    file: str
    found: list[Finding] = field(default_factory=list)

    def add(self, rule: str, found: str, mend: str, line: int = 1) -> None:
        """Add one remark on a line of the draft."""
        note = Finding(
            Place(self.file, max(line, 1)), rule, found, mend=mend, severity=Severity.WARNING
        )
        if note not in self.found:
            self.found.append(note)

    def count(self, rule: str, lines: Iterable[int], one: str, many: str, mend: str) -> None:
        """Add one remark for things that are alike, on the line of the first."""
        places = list(lines)
        if places:
            number = len(places)
            self.add(rule, one if number == 1 else f"{number} {many}", mend, places[0])
