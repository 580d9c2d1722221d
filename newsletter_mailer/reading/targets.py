"""Where the targets of links stand in an article's text, so that one can be changed alone."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from markdown_it.common.utils import unescapeAll
from markdown_it.helpers import parseLinkDestination

from newsletter_mailer.reading.markdown import new_parser
from newsletter_mailer.reading.urls import safe_url


class Syntax(StrEnum):
    """How a target is written, which says what must be escaped in it."""

    DESTINATION = "[words](target)"
    ANGLED = "[words](<target>)"
    WORDS = "[target](target)"
    AUTOLINK = "<target>"
    PLAIN = "link: target"
    FLOW = "{link: target}"
    SINGLE = "link: 'target'"
    DOUBLE = 'link: "target"'


@dataclass(frozen=True, slots=True)
class Target:
    """A target in a text: its URL as the tree holds it, its range, and its line from 1."""

    url: str
    start: int
    end: int
    line: int
    syntax: Syntax


_FORMS = frozenset({"event", "contact", "resources"})
_LINE_END = re.compile(r"\r\n|\r|\n")
_LEAD = r"[ \t]*(?:\r\n|\r|\n)?[ \t]*"
_INLINE = re.compile(rf"\]\({_LEAD}")
_REFERENCE = re.compile(rf"(?:^|(?<=[\r\n]))[ \t>*+-]*\[(?:[^\[\]\\]|\\.)+\]:{_LEAD}")
_AUTOLINK = re.compile(r"<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^<>\x00-\x20]*)>")
_CODE_SPAN = re.compile(
    r"(?<![`\\])(`+)(?!`)(?:(?!(?:\r\n|\r|\n)[ \t]*(?:\r\n|\r|\n)).)*?(?<!`)\1(?!`)", re.DOTALL
)
_KEY = re.compile(
    r"(^[ \t>]*(?:-[ \t]+)?|[{,][ \t]*)(?:\"(?:link|book)\"|(?:link|book))[ \t]*:[ \t]+"
)
_VALUES = (
    (Syntax.SINGLE, re.compile(r"'((?:[^']|'')*)'")),
    (Syntax.DOUBLE, re.compile(r'"([^"\\]*)"')),
)
_PLAIN = re.compile(r"(\S+)[ \t]*(?:[ \t]#.*)?$")
_FLOW = re.compile(r"([^\s,\[\]{}]+)[ \t]*[,}]")
_AFTER = re.compile(rf"{_LEAD}[)\"'(]")
_BRACKET = re.compile(r"[\[\]]")
_BLANK_LINE = re.compile(r"(?:\r\n|\r|\n)[ \t]*(?:\r\n|\r|\n)")
_ENTITY = re.compile(r"&(?=#?\w+;)")


class _Layout:
    """Which lines of an article's text are code, which a form, and which prose."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(text))]
        self._paragraphs = [0, *(match.end() for match in _BLANK_LINE.finditer(text))]
        self.lines = _LINE_END.split(text)
        body = _lines_of_front_matter(self.lines)
        self._kinds = ["front matter"] * body + ["prose"] * (len(self.lines) - body)
        tokens = new_parser().parse("\n".join(self.lines[body:]))
        for token in tokens:
            if token.map and token.type in ("fence", "code_block"):
                self._mark(body, token.map, "code")
        for token in tokens:  # what is a form is YAML, whatever Markdown would see in it
            if token.map and token.type == "directive_open" and token.meta["name"] in _FORMS:
                self._mark(body, token.map, "form")
        self._code = [match.span() for match in _CODE_SPAN.finditer(text)]

    def _mark(self, body: int, lines: list[int], kind: str) -> None:
        for number in range(lines[0] + body, min(lines[1] + body, len(self._kinds))):
            self._kinds[number] = kind

    def line_of(self, at: int) -> int:
        """The line, from 0, in which a character stands."""
        return bisect_right(self._starts, at) - 1

    def paragraph_of(self, at: int) -> int:
        """Where the paragraph around a character begins."""
        return self._paragraphs[bisect_right(self._paragraphs, at) - 1]

    def start_of(self, line: int) -> int:
        """Where a line begins."""
        return self._starts[line]

    def is_prose(self, at: int) -> bool:
        """Whether Markdown is read at a character."""
        if self._kinds[self.line_of(at)] != "prose":
            return False
        return not any(start <= at < end for start, end in self._code)

    def forms(self) -> Iterator[int]:
        """The lines of forms."""
        return (number for number, kind in enumerate(self._kinds) if kind == "form")


def targets(text: str) -> list[Target]:
    """The targets of links to be found in an article's text, in their order.

    `text` is the file's as it is, whatever its line ends. What stands in code, in front
    matter or as bare words is no link. An unusual way of writing, such as a YAML value on
    a line of its own, may be missed; nothing else is ever taken for a target.
    """
    layout = _Layout(text)
    found = [*_destinations(text, layout), *_in_forms(layout)]
    taken = {target.start - 1 for target in found}
    for match in _AUTOLINK.finditer(text):
        start = match.start()
        if start not in taken and layout.is_prose(start) and not _is_escaped(text, start):
            found += _target(match[1], match.span(1), layout, Syntax.AUTOLINK)
    apart: list[Target] = []
    for target in sorted(found, key=lambda each: each.start):
        if not apart or target.start >= apart[-1].end:  # what begins first is the link
            apart.append(target)
    return apart


def spelt(url: str, syntax: Syntax) -> str:
    """A URL, encoded as in the tree, as it is written in such a place."""
    match syntax:
        case Syntax.DESTINATION:
            url = _ENTITY.sub("&amp;", url)
            return re.sub(r"([()])", r"\\\1", url) if not _balanced(url) else url
        case Syntax.ANGLED:
            return _ENTITY.sub("&amp;", url)
        case Syntax.WORDS:
            return re.sub(r"([*_])", r"\\\1", _ENTITY.sub("&amp;", url))
        case Syntax.SINGLE:
            return url.replace("'", "''")
        case Syntax.FLOW:
            return f'"{url}"' if "," in url else url
        case _:
            return url


def _destinations(text: str, layout: _Layout) -> Iterator[Target]:
    for pattern in (_INLINE, _REFERENCE):
        for match in pattern.finditer(text):
            read = parseLinkDestination(text, match.end(), len(text))
            if not read.ok or not layout.is_prose(match.end()):
                continue
            if pattern is _INLINE and not _is_link(text, match.start(), read.pos, layout):
                continue
            start, end, syntax = match.end(), read.pos, Syntax.DESTINATION
            if text[start] == "<":
                start, end, syntax = start + 1, end - 1, Syntax.ANGLED
            there = list(_target(read.str, (start, end), layout, syntax))
            yield from there
            if there and pattern is _INLINE:
                yield from _same_words(text, match.start(), there[0], layout)


def _same_words(text: str, closing: int, target: Target, layout: _Layout) -> Iterator[Target]:
    """The words of a link, if they are its target once more."""
    opening = text.rfind("[", 0, closing)
    words = unescapeAll(text[opening + 1 : closing])
    for found in _target(words, (opening + 1, closing), layout, Syntax.WORDS):
        if found.url == target.url:
            yield found


def _in_forms(layout: _Layout) -> Iterator[Target]:
    for number in layout.forms():
        line, before = layout.lines[number], layout.start_of(number)
        for key in _KEY.finditer(line):
            flow = key[1].lstrip()[:1] in ("{", ",")
            plain = (Syntax.FLOW, _FLOW) if flow else (Syntax.PLAIN, _PLAIN)
            for syntax, pattern in (*_VALUES, plain):
                if value := pattern.match(line, key.end()):
                    raw = value[1].replace("''", "'") if syntax is Syntax.SINGLE else value[1]
                    start, end = value.span(1)
                    yield from _target(raw, (before + start, before + end), layout, syntax)
                    break


def _target(raw: str, span: tuple[int, int], layout: _Layout, syntax: Syntax) -> Iterator[Target]:
    try:
        url = safe_url(raw)
    except ValueError:
        return
    yield Target(url, *span, layout.line_of(span[0]) + 1, syntax)


def _lines_of_front_matter(lines: list[str]) -> int:
    if lines[0].lstrip("\ufeff").rstrip() == "---":
        for number, line in enumerate(lines[1:], start=2):
            if line.rstrip() == "---":
                return number
    return 0


def _is_link(text: str, closing: int, end: int, layout: _Layout) -> bool:
    """Whether a `]` and the target that ends at `end` belong to a whole link."""
    whole = _AFTER.match(text, end) is not None
    return whole and _closes(text, layout.paragraph_of(closing), closing)


def _closes(text: str, start: int, closing: int) -> bool:
    """Whether a `]` closes a `[` in its paragraph, which begins at `start`."""
    depth = 0
    for bracket in reversed(list(_BRACKET.finditer(text, start, closing + 1))):
        if not _is_escaped(text, bracket.start()):
            depth += 1 if bracket[0] == "]" else -1
            if depth == 0:
                return True
        elif bracket.start() == closing:
            return False
    return False


def _is_escaped(text: str, at: int) -> bool:
    slashes = 0
    while slashes < at and text[at - slashes - 1] == "\\":
        slashes += 1
    return slashes % 2 == 1


def _balanced(url: str) -> bool:
    """Whether the round brackets of a URL pair up, so that none ends a Markdown link."""
    depth = 0
    for sign in url:
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            return False
    return depth == 0
