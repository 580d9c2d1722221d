"""Inline Markdown: markdown-it's tokens become the tree's inline content."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markdown_it.token import Token

from newsletter_mailer.findings import Finding, Place, brief
from newsletter_mailer.reading.document import (
    Code,
    Emphasis,
    Inline,
    Inlines,
    LineBreak,
    Link,
    MergeField,
    Strong,
    Text,
)
from newsletter_mailer.reading.fields import fields_in, refuse_fields
from newsletter_mailer.reading.source import UNSAFE
from newsletter_mailer.reading.urls import checked_target

DEEPEST = 20
"""Levels of emphasis in each other; deeper nesting is refused."""


def plain_text(content: Inlines, line_break: str = " ") -> str:
    """The words of inline content; a merge field shows as `{{name}}`."""
    parts: list[str] = []
    for inline in content:
        match inline:
            case Text(text) | Code(text):
                parts.append(text)
            case MergeField(name):
                parts.append(f"{{{{{name}}}}}")
            case LineBreak():
                parts.append(line_break)
            case Emphasis(inner) | Strong(inner):
                parts.append(plain_text(inner, line_break))
            case Link():
                parts.append(plain_text(inline.content, line_break))
    return "".join(parts)


@dataclass(slots=True)
class InlineReader:
    """Turns the children of one inline token into content."""

    place: Place
    findings: list[Finding]
    depth: int = 0

    def read(self, token: Token) -> Inlines:
        """The content of an inline token."""
        children = [
            child for child in token.children or [] if child.type != "text" or child.content
        ]
        content, _ = self._until(children, 0, None)
        return content

    def report(
        self, place: Place, rule: str, found: str, expected: str = "", mend: str = ""
    ) -> None:
        """Add an error."""
        self.findings.append(Finding(place, rule, found, expected, mend))

    def _until(self, tokens: Sequence[Token], at: int, closing: str | None) -> tuple[Inlines, int]:
        """The content from `at` up to the token of the type `closing`, and where that is."""
        content: list[Inline] = []
        while at < len(tokens) and tokens[at].type != closing:
            token = tokens[at]
            if token.nesting > 0:
                place = self.place
                inner, at = self._inside(tokens, at)
                content.append(self._around(token, inner, place))
            else:
                content.extend(self._leaf(token))
            at += 1
        return tuple(_joined(content)), at

    def _inside(self, tokens: Sequence[Token], at: int) -> tuple[Inlines, int]:
        """What is between the token at `at` and the one that closes it, and where that is."""
        if self.depth < DEEPEST:
            self.depth += 1
            inner = self._until(tokens, at + 1, tokens[at].type.replace("_open", "_close"))
            self.depth -= 1
            return inner
        self.report(
            self.place,
            "nested-too-deep",
            "emphasis nested too deep",
            f"at most {DEEPEST} levels",
            "Say it with fewer levels.",
        )
        depth = 1
        while depth:
            at += 1
            depth += tokens[at].nesting
        return (), at

    def _around(self, token: Token, inner: Inlines, place: Place) -> Inline:
        """What an opening token makes of its content."""
        words = plain_text(inner)
        if token.type == "link_open":
            target = checked_target(str(token.attrGet("href") or ""), place, self.findings)
            if not words.strip():
                self.report(
                    place,
                    "empty-link",
                    f"a link to {brief(target)} without words",
                    "words that say where it leads",
                    "Write [words](address).",
                )
            return Link(target, inner, place)
        if token.type == "strong_open":
            return Strong(inner)
        if token.markup == "*" and words.startswith("|") and words.endswith("|"):
            refuse_fields(f"*{words}*", place, self.findings)  # it only looks like emphasis
        return Emphasis(inner)

    def _leaf(self, token: Token) -> Inlines:
        """What a token without content of its own stands for."""
        match token.type:
            case "text":
                words = UNSAFE.sub("", token.content)  # entities can name them
                return fields_in(words.replace("\r", " "), self.place, self.findings)
            case "softbreak" | "hardbreak":
                self.place = Place(self.place.file, self.place.line + 1)
                # The tool that lays mails out loses a line feed between two elements.
                return (LineBreak() if token.type == "hardbreak" else Text(" "),)
            case "code_inline":
                refuse_fields(token.content, self.place, self.findings)
                return (Code(token.content),)
            case "image":
                self.report(
                    self.place,
                    "stray-image",
                    "a picture inside a text",
                    "a picture in a `::: figure` block",
                    "Put `::: figure` on a line before it and `:::` after it.",
                )
                return (Text(token.content or "picture"),)
            case "html_inline":
                self.findings.append(html_finding(token.content, self.place))
                lines = token.content.count("\n")
                self.place = Place(self.place.file, self.place.line + lines)
            case _:
                pass
        return ()


def html_finding(html: str, place: Place) -> Finding:
    """The finding for raw HTML."""
    return Finding(
        place,
        "raw-html",
        f"HTML, {brief(html)!r}",
        "Markdown",
        "Write it in Markdown or as a block; for the signs themselves write \\< and \\&.",
    )


def _joined(content: Iterable[Inline]) -> Iterable[Inline]:
    """Neighbouring texts become one, so that a tree does not show how it was read."""
    pending = ""
    for inline in content:
        if isinstance(inline, Text):
            pending += inline.text
            continue
        if pending:
            yield Text(pending)
            pending = ""
        yield inline
    if pending:
        yield Text(pending)
