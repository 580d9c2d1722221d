"""Inlining: the rich-text CSS is written into the elements, as mail clients need it.

Only the rich text goes through premailer, before MJML wraps it. So premailer never sees
the parts that it would damage: the doctype, Outlook's conditional comments, the reset
that MJML puts into the head. All fragments of all variants go through in one call, and
a fragment that was inlined once is not inlined again.
"""

import logging
import re
from pathlib import Path

import tinycss2
from lxml import etree
from premailer import Premailer

from newsletter_mailer.compiling.markup import serialised
from newsletter_mailer.errors import TemplateError
from newsletter_mailer.findings import Finding, Place

# No issue can hold these control characters: reading removes them.
_TOKEN = re.compile("\x02(\\d+)\x03")


class Inliner:
    """Collects fragments of HTML, inlines them together, and puts them where they belong."""

    def __init__(self, css: str) -> None:
        self._css = css
        self._numbers: dict[str, int] = {}
        self._inlined: list[str] = []
        self._waiting: list[str] = []

    def add(self, html: str) -> str:
        """Keep a fragment for inlining; the answer is a token that stands for it."""
        if html not in self._numbers:
            self._numbers[html] = len(self._numbers)
            self._waiting.append(html)
        return f"\x02{self._numbers[html]}\x03"

    def resolve(self, text: str) -> str:
        """Put the inlined fragments in the place of their tokens."""
        if self._waiting:
            self._inline_waiting()
        return _TOKEN.sub(lambda match: self._inlined[int(match[1])], text)

    def _inline_waiting(self) -> None:
        parser = etree.HTMLParser(encoding="utf-8", huge_tree=True)
        root = etree.fromstring("<html><body></body></html>", parser)
        body = root[0]
        for html in self._waiting:
            holder = etree.SubElement(body, "div")
            parsed = etree.fromstring(f"<div>{html}</div>", parser)
            for child in parsed[0][0]:
                holder.append(child)
        Premailer(
            root,
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
        self._inlined.extend(serialised(list(holder)) for holder in body)
        self._waiting.clear()


def checked_css(css: str, path: Path, shown: str) -> str:
    """The CSS, if every rule in it parses.

    premailer swallows all rules after a broken one without a word.

    Raises:
        TemplateError: naming the line of what does not parse.
    """
    findings = []
    for node in tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True):
        broken = [node] if node.type == "error" else []
        if node.type == "qualified-rule":
            if any(token.type == "{} block" for token in node.prelude):
                broken.append(node)
            inner = tinycss2.parse_blocks_contents(
                node.content, skip_comments=True, skip_whitespace=True
            )
            broken += [part for part in inner if part.type != "declaration"]
        findings += [
            Finding(
                Place(shown, part.source_line),
                "broken-css",
                f"CSS that does not parse: {getattr(part, 'message', '') or 'a nested rule'}",
                "`name: value;` declarations",
                f"Mend {path.name}.",
            )
            for part in broken
        ]
    if findings:
        raise TemplateError(findings)
    return css
