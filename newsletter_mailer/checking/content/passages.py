"""Passages: every text of an issue that leaves with it, each as its reader meets it."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from typing import cast, get_args

from newsletter_mailer.findings import Place
from newsletter_mailer.reading.document import (
    Article,
    Emphasis,
    Image,
    Inline,
    Inlines,
    Issue,
    Link,
    Strong,
    Table,
)
from newsletter_mailer.reading.inline import plain_text


class Kind(StrEnum):
    """What a passage is: words that are read, a link's target, or the name of a file."""

    WORDS = "words"
    TARGET = "target"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Passage:
    """A text and where it begins; `context` is what heads it, as headings head a table's cell."""

    text: str
    place: Place
    kind: Kind = Kind.WORDS
    context: str = ""


_INLINE = get_args(Inline)
_TARGETS = frozenset({"target", "link", "book"})
_UNSEEN = frozenset({"place", "slug"})


def passages(issue: Issue) -> Iterator[Passage]:
    """Every text of an issue, in the order of its files.

    Bold, links and the like do not part a text; table cells, items and fields do. A line
    break that is meant is a line feed.
    """
    head, place = issue.head, issue.place
    yield Passage(issue.name, place, Kind.NAME)
    for words in (head.title, head.season, head.sender.name, head.sender.reply_to):
        if words:
            yield Passage(words, place)
    yield Passage(_words(issue.subject), place)
    yield Passage(_words(issue.preheader), place)
    for article in issue.every_article:
        yield from _node(article, article.place)


def _node(node: object, place: Place) -> Iterator[Passage]:
    """The passages of a part of the tree that begins at `place`."""
    if not is_dataclass(node) or isinstance(node, type):
        return
    place = getattr(node, "place", place)
    if isinstance(node, Image):
        yield Passage(node.path.stem, place, Kind.NAME)
        return
    if isinstance(node, Table):
        yield from _parts(node.caption, place)
        yield from _cells(node)
        return
    for each in fields(node):
        if each.name in _UNSEEN:
            continue
        value = getattr(node, each.name)
        if isinstance(value, tuple):
            yield from _parts(value, place)
        elif isinstance(value, str):
            if value:
                yield Passage(value, place, _kind(node, each.name))
        else:
            yield from _node(value, place)


def _kind(node: object, name: str) -> Kind:
    if name in _TARGETS:
        return Kind.TARGET
    return Kind.NAME if isinstance(node, Article) else Kind.WORDS


def _parts(values: tuple[object, ...], place: Place) -> Iterator[Passage]:
    if values and isinstance(values[0], _INLINE):
        yield from _text(cast(Inlines, values), place)
        return
    for value in values:
        if isinstance(value, tuple):
            yield from _parts(value, place)
        else:
            yield from _node(value, place)


def _text(content: Inlines, place: Place, context: str = "") -> Iterator[Passage]:
    yield Passage(_words(content), place, context=context)
    for link in _links(content):
        yield Passage(link.target, link.place, Kind.TARGET)


def _words(content: Inlines) -> str:
    """The words of inline content; a line break is a line feed."""
    return plain_text(content, "\n")


def _cells(table: Table) -> Iterator[Passage]:
    """The cells of a table, each headed by those that stand above and before it."""
    for cell in table.head:
        yield from _text(cell, table.place)
    above = [plain_text(cell) for cell in table.head]
    for row in table.rows:
        before = ""
        for heading, cell in zip(above, row, strict=False):
            context = "".join(f"{words}: " for words in (before, heading) if words)
            yield from _text(cell, table.place, context)
            before = before or plain_text(cell)


def _links(content: Inlines) -> Iterator[Link]:
    for inline in content:
        if isinstance(inline, Link):
            yield inline
        if isinstance(inline, Link | Emphasis | Strong):
            yield from _links(inline.content)
