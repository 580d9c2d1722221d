"""Inlining: the rich-text CSS is written into the elements, as mail clients need it.

A selector of that CSS looks only at an element and what it stands in, so two elements
with the same tags and classes around them have the same style. premailer works out each
such style once, on a specimen. It never sees a mail, and so can damage none: it would
drop the doctype, rewrite merge fields in links and copy MJML's reset onto every cell.
"""

import logging
import re
from collections.abc import Iterator
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


@dataclass(slots=True)
class _Style:
    """The style of elements with the same tags and classes around them."""

    tag: str
    look: str
    style: str | None = None
    inner: "dict[tuple[str, str], _Style]" = field(default_factory=dict)

    def of(self, element: etree._Element) -> "_Style":
        """The style of an element that stands right inside one of this style."""
        key = (str(element.tag), str(element.get("class", "")))
        found = self.inner.get(key)
        if found is None:
            found = self.inner[key] = _Style(*key)
        return found

    def everywhere(self) -> "Iterator[_Style]":
        """This style and all inside it."""
        yield self
        for inner in self.inner.values():
            yield from inner.everywhere()


class Inliner:
    """Collects fragments of HTML, and gives them back with their styles written in."""

    def __init__(self, css: str) -> None:
        self._css = css
        self._numbers: dict[str, int] = {}
        self._inlined: list[str] = []
        self._waiting: list[str] = []
        self._root = _Style("div", "", style="")

    def add(self, html: str) -> str:
        """Keep a fragment for inlining; the answer is a token that stands for it."""
        number = self._numbers.get(html)
        if number is None:
            number = self._numbers[html] = len(self._numbers)
            self._waiting.append(html)
        return token(number)

    def resolve(self, page: str) -> str:
        """Put the inlined fragments in the place of their tokens."""
        if self._waiting:
            self._inline_waiting()
        return TOKEN.sub(lambda match: self._inlined[int(match[1])], page)

    def _inline_waiting(self) -> None:
        parser = etree.HTMLParser(
            encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True
        )
        fragments = [
            etree.fromstring(f"<div>{html}</div>".encode(), parser)[0][0] for html in self._waiting
        ]
        written = [_written(fragment, self._root) for fragment in fragments]
        if any(html is None for html in written):
            self._work_out_styles()
            written = [_written(fragment, self._root) for fragment in fragments]
        self._inlined += [html or "" for html in written]
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
            style.style = str(specimen.get("style", "")).replace("; ", ";").rstrip(";")


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


def _written(fragment: etree._Element, root: _Style) -> str | None:
    """A fragment with its styles; None, each style noted, where one is not worked out yet."""
    parts: list[str] = []
    known = [_write(child, root.of(child), parts) for child in fragment]
    return "".join(parts) if all(known) else None


def _specimens(style: _Style, parent: etree._Element) -> Iterator[tuple[_Style, etree._Element]]:
    for inner in style.inner.values():
        look = {"class": inner.look} if inner.look else {}
        specimen = etree.SubElement(parent, inner.tag, look)
        yield inner, specimen
        yield from _specimens(inner, specimen)


def _write(element: etree._Element, style: _Style, parts: list[str]) -> bool:
    """Write an element; False where its style, or one inside it, is not worked out yet."""
    known = style.style is not None
    tag = style.tag
    parts.append(f"<{tag}")
    own = ""
    for name, value in element.attrib.items():
        if name == "style":
            own = attribute(str(value))
        else:
            parts.append(f' {name!s}="{attribute(str(value))}"')
    if style.style or own:
        parts.append(f' style="{";".join(filter(None, (style.style, own)))}"')
    block = tag in _BLOCKS
    if tag in _VOID:
        parts.append(" />")
    else:
        parts.append(">")
        if element.text and not (block and len(element) and element.text.isspace()):
            parts.append(words(element.text))
        for child in element:
            known &= _write(child, style.of(child), parts)
        parts.append(f"</{tag}>")
    if element.tail and not (block and element.tail.isspace()):
        parts.append(words(element.tail))
    return known
