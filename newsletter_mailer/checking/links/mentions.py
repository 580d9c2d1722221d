"""Where links and words stand in an issue: gathered by one walk over its whole tree."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any

from newsletter_mailer.checking.links.mention import Mention
from newsletter_mailer.findings import Place
from newsletter_mailer.reading.document import (
    Button,
    Code,
    CodeBlock,
    Contact,
    Emphasis,
    Event,
    Image,
    Inlines,
    Issue,
    LineBreak,
    Link,
    MergeField,
    Resource,
    Strong,
    Text,
)
from newsletter_mailer.reading.inline import plain_text

GAP = "\ufffc"
"""Stands in a passage for what is not plain words: a link, code, a merge field."""

_INLINES = (Text, MergeField, Emphasis, Strong, Code, LineBreak, Link)
_NOT_WORDS = frozenset({"id", "slug", "book", "email", "phone", "link", "target", "kind"})


@dataclass(frozen=True, slots=True)
class Passage:
    """Words that readers see outside of links, on one line.

    `place` is the line on which its block begins, since the tree knows no nearer one.
    """

    place: Place
    text: str


def mentions(issue: Issue) -> tuple[Mention, ...]:
    """Every link of an issue, in the order of its articles.

    A link in a form, such as a contact, has the line at which its block or its item
    begins. Links that each reader has for themselves (merge fields) are left out.
    """
    return tuple(mention for mention in all_mentions(issue) if not mention.url.startswith("{{"))


def all_mentions(issue: Issue) -> Iterator[Mention]:
    """The same with the links that each reader has for themselves."""
    for article in issue.every_article:
        yield from _mentions(article, article.place, article.id)


def passages(issue: Issue) -> tuple[Passage, ...]:
    """All words of an issue that are neither links nor code."""
    found = [
        Passage(issue.place, words)
        for words in (_flat(issue.subject), _flat(issue.preheader))
        if words
    ]
    for article in issue.every_article:
        found.extend(_passages(article, article.place))
    return tuple(found)


@cache
def _parts(kind: type) -> tuple[str, ...]:
    """The fields of a kind of node that can hold content; none where it is no node."""
    if not is_dataclass(kind):
        return ()
    return tuple(each.name for each in fields(kind) if each.name != "place")


def _mentions(node: Any, place: Place, article: str) -> Iterator[Mention]:  # noqa: ANN401 - any node
    """The links in a part of the tree that begins at `place`."""
    if isinstance(node, tuple):
        for part in node:
            yield from _mentions(part, place, article)
        return
    names = _parts(node.__class__)
    if not names:
        return
    place = getattr(node, "place", place)
    match node:
        case Link():
            yield Mention(place, node.target, plain_text(node.content).strip(), article)
        case Button():
            yield Mention(place, node.target, plain_text(node.text).strip(), article)
        case _:
            for url, words in _form_links(node):
                yield Mention(place, url, words, article)
    for name in names:
        yield from _mentions(getattr(node, name), place, article)


def _form_links(node: object) -> Iterator[tuple[str, str]]:
    """The targets and words of the links that the templates make of a form."""
    match node:
        case Event() if node.book:
            yield node.book, f"Book a place: {node.title}"
        case Contact():
            if node.email:
                yield f"mailto:{node.email}", node.email
            if node.phone:
                yield f"tel:{re.sub('[^0-9+]', '', node.phone)}", node.phone
            if node.link:
                yield node.link, f"Website of {node.name}"
        case Resource():
            if node.link:
                yield node.link, node.name
            for more in node.more:
                yield more.link, more.text
        case _:
            pass


def _passages(node: Any, place: Place) -> Iterator[Passage]:  # noqa: ANN401 - any node
    if isinstance(node, str):
        if node.strip():
            yield Passage(place, " ".join(node.split()))
        return
    if isinstance(node, tuple):
        if node and isinstance(node[0], _INLINES):
            yield Passage(place, _flat(node))
            return
        for part in node:
            yield from _passages(part, place)
        return
    if isinstance(node, CodeBlock | Image):
        return
    place = getattr(node, "place", place)
    for name in _parts(node.__class__):
        if name not in _NOT_WORDS:
            yield from _passages(getattr(node, name), place)


def _flat(content: Inlines) -> str:
    parts: list[str] = []
    for inline in content:
        match inline:
            case Text(text):
                parts.append(text)
            case LineBreak():
                parts.append(" ")
            case Emphasis(inner) | Strong(inner):
                parts.append(_flat(inner))
            case _:
                parts.append(GAP)
    return "".join(parts)
