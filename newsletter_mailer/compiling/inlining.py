"""Inlining: the rich-text CSS is written into the elements, as mail clients need it.

A selector of that CSS looks only at an element and what it stands in, so two elements
with the same tags and classes around them have the same style. premailer works out each
such style once, on a specimen. It never sees a mail, and so can damage none: it would
drop the doctype, rewrite merge fields in links and copy MJML's reset onto every cell.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import tinycss2
from lxml import etree
from premailer import Premailer

from newsletter_mailer.compiling.markup import attribute, words
from newsletter_mailer.errors import TemplateError
from newsletter_mailer.findings import Finding, Place

_OPEN, _CLOSE = "\ue000", "\ue001"
TOKEN = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
"""What stands for a fragment. `markup` writes these characters as references elsewhere."""

_VOID = frozenset({"br", "hr", "img"})
_BLOCKS = frozenset(
    {
        "blockquote", "caption", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol",
        "p", "table", "tbody", "td", "th", "thead", "tr", "ul",
    }
)  # fmt: skip
"""Elements around which white space means nothing."""

_Attributes = Sequence[tuple[str | bytes, str | bytes]]
"""Names and values, as lxml is typed to give them."""


_PARSER = etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_pis=True)


@dataclass(slots=True)
class _Style:
    """The style of elements with the same tags and classes around them."""

    tag: str
    look: str
    style: str | None = None
    inner: "dict[tuple[str, str], _Style]" = field(default_factory=dict)
    is_block: bool = field(init=False)
    is_void: bool = field(init=False)
    plain: str = field(default="", init=False)
    """The opening tag of an element without attributes of its own."""

    def __post_init__(self) -> None:
        self.is_block = self.tag in _BLOCKS
        self.is_void = self.tag in _VOID

    def of(self, element: etree._Element) -> "_Style":
        """The style of an element that stands right inside one of this style."""
        key = (str(element.tag), str(element.get("class", "")))
        found = self.inner.get(key)
        if found is None:
            found = self.inner[key] = _Style(*key)
        return found

    def work_out(self, style: str) -> None:
        """Keep what premailer found."""
        self.style = style
        self.plain = self._opening([("class", self.look)] if self.look else [])

    def opening(self, attributes: _Attributes) -> str:
        """The opening tag of an element of this style."""
        if self.plain and len(attributes) == bool(self.look):
            return self.plain
        return self._opening(attributes)

    def _opening(self, attributes: _Attributes) -> str:
        own = ""
        parts = [f"<{self.tag}"]
        for name, value in attributes:
            if name == "style":
                own = attribute(str(value))
            else:
                parts.append(f'{name!s}="{attribute(str(value))}"')
        if style := ";".join(filter(None, (self.style, own))):
            parts.append(f'style="{style}"')
        return " ".join(parts) + (" />" if self.is_void else ">")


class Inliner:
    """Collects fragments of HTML, and gives them back with their styles written in."""

    def __init__(self, css: str) -> None:
        self._css = css
        self._numbers: dict[str, int] = {}
        self._inner: dict[int, str] = {}
        self._waiting: dict[int, str] = {}
        self._inlined: dict[int, str] = {}
        self._root = _Style("div", "", style="")

    def add(self, html: str) -> str:
        """Keep a fragment for inlining; the answer is a token that stands for it."""
        number = self._number(html)
        if number not in self._inlined:
            self._waiting[number] = html
        return token(number)

    def add_inner(self, html: str) -> str:
        """Keep a fragment that stands inside others, and gets the styles of where it stands."""
        number = self._number(html)
        self._inner[number] = html
        return token(number)

    def resolve(self, page: str) -> str:
        """Put the inlined fragments in the place of their tokens."""
        if self._waiting:
            self._inline_waiting()
        return TOKEN.sub(lambda match: self._inlined[int(match[1])], page)

    def _number(self, html: str) -> int:
        return self._numbers.setdefault(html, len(self._numbers))

    def _inline_waiting(self) -> None:
        fragments = {number: _parsed(html) for number, html in self._waiting.items()}
        writer = _Writer(self._inner)
        written = {at: writer.written(fragment, self._root) for at, fragment in fragments.items()}
        if writer.lacks_styles:
            self._work_out_styles()
            writer = _Writer(self._inner)
            written = {at: writer.written(part, self._root) for at, part in fragments.items()}
        self._inlined |= written
        self._waiting.clear()

    def _work_out_styles(self) -> None:
        """Let premailer style a specimen that holds one element of each style."""
        page = etree.Element("html")
        body = etree.SubElement(page, "body")
        specimens = list(_specimens(self._root, body))
        Premailer(
            page,
            css_text=[self._css],
            keep_style_tags=False,
            strip_important=False,
            disable_validation=True,
            allow_network=False,
            disable_leftover_css=True,
            align_floating_images=False,
            disable_basic_attributes=["width", "height", "bgcolor", "align", "valign"],
            cssutils_logging_level=logging.CRITICAL,
        ).transform()
        for style, specimen in specimens:
            style.work_out(str(specimen.get("style", "")).replace("; ", ";").rstrip(";"))


def token(number: int) -> str:
    """What stands for the fragment with this number."""
    return f"{_OPEN}{number}{_CLOSE}"


def checked_css(css: str, path: Path, shown: str) -> str:
    """The CSS, if every rule in it parses and looks only at elements and what they stand in.

    premailer swallows all rules after a broken one without a word.

    Raises:
        TemplateError: naming the line of each rule that will not do.
    """
    findings = []
    for node in tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True):
        if node.type != "qualified-rule":
            message = getattr(node, "message", "") or f"the rule @{getattr(node, 'at_keyword', '')}"
            findings.append((node.source_line, message))
            continue
        selector = tinycss2.serialize(node.prelude).strip()
        if not _PLAIN_SELECTOR.fullmatch(selector):
            findings.append((node.source_line, f"the selector {selector!r}"))
        inner = tinycss2.parse_blocks_contents(
            node.content, skip_comments=True, skip_whitespace=True
        )
        findings += [
            (part.source_line, getattr(part, "message", "") or "a nested rule")
            for part in inner
            if part.type != "declaration"
        ]
    if findings:
        raise TemplateError(
            [
                Finding(
                    Place(shown, line),
                    "broken-css",
                    f"CSS that cannot be inlined: {message}",
                    "rules such as `.facts strong { color: #000000; }`",
                    f"Mend {path.name}.",
                )
                for line, message in findings
            ]
        )
    return css


_NAME = r"(?:[a-z][a-z0-9]*(?:\.[a-z][a-z0-9-]*)?|\.[a-z][a-z0-9-]*)"
_PLAIN_SELECTOR = re.compile(rf"{_NAME}(?:\s+{_NAME})*")


def _parsed(html: str) -> etree._Element:
    """A fragment's tree, with a comment in the place of each token."""
    text = TOKEN.sub(r"<!--\g<0>-->", html)
    return etree.fromstring(f"<div>{text}</div>".encode(), _PARSER)[0][0]


def _specimens(style: _Style, parent: etree._Element) -> Iterator[tuple[_Style, etree._Element]]:
    for inner in style.inner.values():
        look = {"class": inner.look} if inner.look else {}
        specimen = etree.SubElement(parent, inner.tag, look)
        yield inner, specimen
        yield from _specimens(inner, specimen)


@dataclass(slots=True)
class _Writer:
    """Writes fragments with the styles that are known, and notes where one is not."""

    inner: Mapping[int, str]
    lacks_styles: bool = False
    _written: dict[tuple[int, int], tuple[str, bool]] = field(default_factory=dict)
    """Inner fragments by their number and the style around them, and whether each is a block."""

    def written(self, fragment: etree._Element, style: _Style) -> str:
        """What stands inside an element of a style."""
        text = fragment.text
        parts = [words(text)] if text and not text.isspace() else []
        self._write_children(fragment, style, parts)
        return "".join(parts)

    def _write_children(self, element: etree._Element, style: _Style, parts: list[str]) -> None:
        for child in element:
            if isinstance(child, etree._Comment):  # noqa: SLF001 - its only name for types
                is_block = self._write_inner(child.text or "", style, parts)
            else:
                own = style.of(child)
                is_block = own.is_block
                self._write(child, own, parts)
            tail = child.tail
            if tail and not (is_block and tail.isspace()):
                parts.append(words(tail))

    def _write(self, element: etree._Element, style: _Style, parts: list[str]) -> None:
        if style.style is None:
            self.lacks_styles = True
        parts.append(style.opening(element.items()))
        if not style.is_void:
            text = element.text
            if text and not (style.is_block and len(element) and text.isspace()):
                parts.append(words(text))
            self._write_children(element, style, parts)
            parts.append(f"</{style.tag}>")

    def _write_inner(self, comment: str, style: _Style, parts: list[str]) -> bool:
        """Write the fragment that a comment stands for; whether it ends in a block."""
        match = TOKEN.fullmatch(comment)
        if match is None:
            return False
        key = (int(match[1]), id(style))
        if key not in self._written:
            fragment = _parsed(self.inner[key[0]])
            html = self.written(fragment, style)
            is_block = len(fragment) > 0 and str(fragment[-1].tag) in _BLOCKS
            self._written[key] = (html, is_block)
        html, is_block = self._written[key]
        parts.append(html)
        return is_block
