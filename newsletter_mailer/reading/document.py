"""The document tree: what an issue says, free of how it will look.

Every block knows its place. Trees are frozen; two that hold the same are equal but for
their places, which do not take part in comparing.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from newsletter_mailer.findings import Place
from newsletter_mailer.reading.headers import IssueHead

# Inline content


@dataclass(frozen=True, slots=True)
class Text:
    """Plain words."""

    text: str


@dataclass(frozen=True, slots=True)
class MergeField:
    """A value that is filled in for each reader."""

    name: str


@dataclass(frozen=True, slots=True)
class Emphasis:
    """`*emphasis*`."""

    content: "Inlines"


@dataclass(frozen=True, slots=True)
class Strong:
    """`**strong**`."""

    content: "Inlines"


@dataclass(frozen=True, slots=True)
class Code:
    """`` `code` ``."""

    text: str


@dataclass(frozen=True, slots=True)
class LineBreak:
    """A line end that is meant."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link. `target` is a URL, or a merge field in double braces."""

    target: str
    content: "Inlines"
    place: Place = field(compare=False)


Inline = Text | MergeField | Emphasis | Strong | Code | LineBreak | Link
Inlines = tuple[Inline, ...]


# Blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True)
class Paragraph(_Block):
    """A paragraph."""

    content: Inlines


@dataclass(frozen=True, slots=True)
class Heading(_Block):
    """A heading inside an article; `level` is 2 for `##`."""

    level: int
    content: Inlines


@dataclass(frozen=True, slots=True)
class ListBlock(_Block):
    """A list; `start` is None for bullets, else the first number."""

    start: int | None
    items: tuple["Blocks", ...]


@dataclass(frozen=True, slots=True)
class Quotation(_Block):
    """A Markdown `>` quote."""

    blocks: "Blocks"


@dataclass(frozen=True, slots=True)
class CodeBlock(_Block):
    """Lines to be shown as they are."""

    text: str


@dataclass(frozen=True, slots=True)
class Rule(_Block):
    """A thematic break."""


@dataclass(frozen=True, slots=True)
class Table(_Block):
    """A data table. `row_headings`: the first cell of each row heads it."""

    head: tuple[Inlines, ...]
    rows: tuple[tuple[Inlines, ...], ...]
    caption: Inlines = ()
    row_headings: bool = False
    kind: ClassVar[str] = "table"


@dataclass(frozen=True, slots=True)
class Quote(_Block):
    """A quote with its attribution."""

    blocks: "Blocks"
    attribution: Inlines
    kind: ClassVar[str] = "quote"


@dataclass(frozen=True, slots=True)
class Remark:
    """One short quote in a list."""

    content: Inlines
    attribution: Inlines


@dataclass(frozen=True, slots=True)
class Quotes(_Block):
    """A list of short quotes."""

    title: Inlines
    remarks: tuple[Remark, ...]
    kind: ClassVar[str] = "quotes"


@dataclass(frozen=True, slots=True)
class Facts(_Block):
    """A list of facts; strong words in them stand out."""

    title: Inlines
    items: tuple[Inlines, ...]
    kind: ClassVar[str] = "facts"


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """A figure, what it was before (empty where nothing is compared), and the change."""

    label: Inlines
    now: str
    before: str
    change: str


@dataclass(frozen=True, slots=True)
class KeyFigures(_Block):
    """Key figures; `now_label` and `before_label` say when."""

    title: Inlines
    now_label: str
    before_label: str
    figures: tuple[KeyFigure, ...]
    kind: ClassVar[str] = "key-figures"


@dataclass(frozen=True, slots=True)
class Callout(_Block):
    """A box for what must not be missed."""

    title: Inlines
    blocks: "Blocks"
    kind: ClassVar[str] = "callout"


@dataclass(frozen=True, slots=True)
class Panel:
    """A headed part of `compare` or `cards`."""

    title: Inlines
    blocks: "Blocks"


@dataclass(frozen=True, slots=True)
class Compare(_Block):
    """Two columns side by side."""

    panels: tuple[Panel, Panel]
    kind: ClassVar[str] = "compare"


@dataclass(frozen=True, slots=True)
class Cards(_Block):
    """A handful of short headed parts."""

    panels: tuple[Panel, ...]
    kind: ClassVar[str] = "cards"


@dataclass(frozen=True, slots=True)
class Action:
    """Something that the addressed agencies must do."""

    agencies: frozenset[str] = field(compare=False)
    content: Inlines
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True)
class Actions(_Block):
    """Actions, each addressed to agencies."""

    title: Inlines
    actions: tuple[Action, ...]
    kind: ClassVar[str] = "actions"


@dataclass(frozen=True, slots=True)
class EventDate:
    """A day, and where known the times, in the office's time zone."""

    day: dt.date
    start: dt.time | None = None
    end: dt.time | None = None


@dataclass(frozen=True, slots=True)
class Event(_Block):
    """An event on one or more dates; `slug` names its calendar files."""

    title: str
    dates: tuple[EventDate, ...]
    venue: str
    book: str
    about: str
    slug: str
    kind: ClassVar[str] = "event"


@dataclass(frozen=True, slots=True)
class Contact(_Block):
    """Whom to ask."""

    name: str
    role: str
    email: str
    phone: str
    link: str
    address: str
    kind: ClassVar[str] = "contact"


@dataclass(frozen=True, slots=True)
class NamedLink:
    """Words and where they lead."""

    text: str
    link: str


@dataclass(frozen=True, slots=True)
class Resource:
    """An organisation and what it offers."""

    name: str
    offers: str
    link: str
    note: str
    more: tuple[NamedLink, ...]
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True)
class Resources(_Block):
    """A list of organisations and what they offer."""

    resources: tuple[Resource, ...]
    kind: ClassVar[str] = "resources"


@dataclass(frozen=True, slots=True)
class Button(_Block):
    """One link that stands out."""

    text: Inlines
    target: str
    kind: ClassVar[str] = "button"


@dataclass(frozen=True, slots=True)
class Image:
    """A picture of the issue: its file, and its size in pixels."""

    name: str
    path: Path = field(compare=False)
    media_type: str
    sha256: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Figure(_Block):
    """A picture with its alternative text and caption."""

    image: Image
    alt: str
    caption: Inlines
    kind: ClassVar[str] = "figure"


@dataclass(frozen=True, slots=True)
class Only(_Block):
    """A part for some agencies."""

    agencies: frozenset[str]
    blocks: "Blocks"
    kind: ClassVar[str] = "only"


Block = (
    Paragraph
    | Heading
    | ListBlock
    | Quotation
    | CodeBlock
    | Rule
    | Table
    | Quote
    | Quotes
    | Facts
    | KeyFigures
    | Callout
    | Compare
    | Cards
    | Actions
    | Event
    | Contact
    | Resources
    | Button
    | Figure
    | Only
)
Blocks = tuple[Block, ...]


@dataclass(frozen=True)
class Article:
    """An article. `only_for` is None where everyone gets it.

    `read_button` is whether readers can say below it that they have read it.

    Its hash is worked out once: what was compiled from an article is looked up by it.
    """

    id: str
    title: Inlines
    summary: Inlines
    only_for: frozenset[str] | None
    first_for: frozenset[str]
    blocks: Blocks
    place: Place = field(compare=False)
    read_button: bool = False

    @cached_property
    def _hash(self) -> int:
        parts = (self.id, self.title, self.summary, self.only_for, self.first_for, self.blocks)
        return hash((*parts, self.read_button))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue as its files say it."""

    name: str
    head: IssueHead
    subject: Inlines
    preheader: Inlines
    opening: Article | None
    articles: tuple[Article, ...]
    place: Place = field(compare=False)

    @property
    def every_article(self) -> tuple[Article, ...]:
        """The opening, where there is one, and all articles."""
        return ((self.opening,) if self.opening else ()) + self.articles


def inner_blocks(block: Block) -> tuple[Blocks, ...]:
    """The sequences of blocks inside a block."""
    match block:
        case Quotation() | Quote() | Callout() | Only():
            return (block.blocks,)
        case ListBlock():
            return block.items
        case Compare() | Cards():
            return tuple(panel.blocks for panel in block.panels)
        case _:
            return ()


def walk(blocks: Blocks) -> Iterator[Block]:
    """All blocks, each before what is inside it."""
    for block in blocks:
        yield block
        for inner in inner_blocks(block):
            yield from walk(inner)
