"""Inline Markdown: markdown-it's tokens become the tree's inline content."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from markdown_it.token import Token

from newsletter_mailer.findings import Finding, Place
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

TEXT_FIELDS = frozenset({"first_name", "name", "agency_name", "email"})
LINK_FIELDS = frozenset({"preferences_url", "unsubscribe_url"})

SCHEMES = frozenset({"http", "https", "mailto", "tel"})

_URL_SIGNS = "/%:@!$&'()*+,;=~-._"
_FIELD = re.compile(r"\{\{([a-z_]+)\}\}")
_FOREIGN = re.compile(r"\{\{.*?\}\}|\{\{|\{%|%\}|\*\|.*?\|\*|<%|%>")
_ESCAPED_FIELD = re.compile(r"^(?:%7B%7B|\{\{)([a-z_]+)(?:%7D%7D|\}\})$")


def fields_in(text: str, place: Place, findings: list[Finding], *, fields: bool = True) -> Inlines:
    """Text with its merge fields told apart; a finding for what only looks like one.

    `fields=False` refuses even the known ones, where no reader's value can stand.
    """
    content: list[Inline] = []
    at = 0
    for match in _FIELD.finditer(text):
        if not fields or match[1] not in TEXT_FIELDS:
            continue
        _plain(text[at : match.start()], place, findings, content)
        content.append(MergeField(match[1]))
        at = match.end()
    _plain(text[at:], place, findings, content)
    return tuple(content)


def _plain(text: str, place: Place, findings: list[Finding], content: list[Inline]) -> None:
    foreign = _FOREIGN.search(text)
    if foreign:
        known = ", ".join(f"{{{{{name}}}}}" for name in sorted(TEXT_FIELDS))
        mend = "Take it out."
        if foreign[0].strip("{}") in LINK_FIELDS:
            mend = f"Use it as a whole link target: [words]({foreign[0]})."
        findings.append(
            Finding(place, "unknown-merge-field", f"{foreign[0]!r}", f"one of {known}", mend)
        )
        text = _FOREIGN.sub("", text)
    if text:
        content.append(Text(text))


def safe_url(url: str) -> str:
    """The URL with every character encoded that may not stand in one (RFC 3986).

    Raises:
        ValueError: its host or port cannot be one.
    """
    parts = urlsplit(url)
    host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode("ascii")
    _ = parts.port
    return parts._replace(
        netloc=host,
        path=quote(parts.path, safe=_URL_SIGNS),
        query=quote(parts.query, safe=_URL_SIGNS + "?"),
        fragment=quote(parts.fragment, safe=_URL_SIGNS + "?"),
    ).geturl()


def plain_text(content: Inlines) -> str:
    """The words of inline content; a merge field shows as `{{name}}`."""
    parts: list[str] = []
    for inline in content:
        match inline:
            case Text(text) | Code(text):
                parts.append(text)
            case MergeField(name):
                parts.append(f"{{{{{name}}}}}")
            case LineBreak():
                parts.append(" ")
            case Emphasis(inner) | Strong(inner):
                parts.append(plain_text(inner))
            case Link():
                parts.append(plain_text(inline.content))
    return "".join(parts)


def links_in(content: Inlines) -> Iterable[Link]:
    """All links in inline content."""
    for inline in content:
        if isinstance(inline, Link):
            yield inline
        elif isinstance(inline, Emphasis | Strong):
            yield from links_in(inline.content)


def checked_target(target: str, place: Place, findings: list[Finding]) -> str:
    """A link's target: a whole merge field of the link kind, or a URL without any."""
    field = _ESCAPED_FIELD.match(target)
    if field and field[1] in LINK_FIELDS:
        return f"{{{{{field[1]}}}}}"
    if "%7B%7B" in target or "{{" in target:
        found = target.replace("%7B", "{").replace("%7D", "}")
        fields = " or ".join(f"{{{{{name}}}}}" for name in sorted(LINK_FIELDS))
        findings.append(
            Finding(
                place,
                "merge-field-in-link",
                f"a merge field inside the link {found!r}",
                f"a URL, or {fields} alone",
                "A name or an address in a URL ends up in servers' logs: take it out.",
            )
        )
        return "#"
    try:
        if urlsplit(target).scheme in SCHEMES:
            return safe_url(target)
    except ValueError:
        pass
    shown = target or "nothing"
    findings.append(
        Finding(
            place,
            "link-target",
            f"a link to {shown!r}",
            "a whole address that begins with https://, http://, mailto: or tel:",
            "Write the address in full." if target else "Write where the link leads.",
        )
    )
    return "#"


@dataclass(slots=True)
class InlineReader:
    """Turns the children of one inline token into content."""

    place: Place
    findings: list[Finding]

    def read(self, token: Token) -> Inlines:
        """The content of an inline token."""
        children = [
            child for child in token.children or [] if child.type != "text" or child.content
        ]
        content, _ = self._until(children, 0, None)
        return content

    def _until(self, tokens: Sequence[Token], at: int, closing: str | None) -> tuple[Inlines, int]:
        content: list[Inline] = []
        line = self.place.line
        while at < len(tokens) and tokens[at].type != closing:
            token = tokens[at]
            match token.type:
                case "text":
                    content.extend(fields_in(token.content, self.place, self.findings))
                case "softbreak":
                    # A newline between inline elements is lost in mrml; a space is the same to readers.
                    content.append(Text(" "))
                    self.place = Place(self.place.file, self.place.line + 1)
                case "hardbreak":
                    content.append(LineBreak())
                    self.place = Place(self.place.file, self.place.line + 1)
                case "code_inline":
                    kept: list[Inline] = []
                    _plain(token.content, self.place, self.findings, kept)
                    content.append(
                        Code("".join(part.text for part in kept if isinstance(part, Text)))
                    )
                case "em_open":
                    inner, at = self._until(tokens, at + 1, "em_close")
                    content.append(Emphasis(inner))
                case "strong_open":
                    inner, at = self._until(tokens, at + 1, "strong_close")
                    content.append(Strong(inner))
                case "link_open":
                    place = self.place
                    inner, at = self._until(tokens, at + 1, "link_close")
                    target = checked_target(str(token.attrGet("href") or ""), place, self.findings)
                    if not plain_text(inner).strip():
                        self.findings.append(
                            Finding(
                                place,
                                "empty-link",
                                f"a link to {target} without words",
                                "words that say where it leads",
                                "Write [words](address).",
                            )
                        )
                    content.append(Link(target, inner, place))
                case "image":
                    self.findings.append(
                        Finding(
                            self.place,
                            "stray-image",
                            "a picture inside a text",
                            "a picture in a `::: figure` block",
                            "Put `::: figure` on a line before it and `:::` after it.",
                        )
                    )
                case "html_inline":
                    self._refuse_html(token)
                case _:
                    pass
            at += 1
        if closing is None:
            self.place = Place(self.place.file, line)
        return tuple(_joined(content)), at

    def _refuse_html(self, token: Token) -> None:
        self.findings.append(html_finding(token.content, self.place))


def html_finding(html: str, place: Place) -> Finding:
    """The finding for raw HTML."""
    first = html.strip().split("\n")[0]
    return Finding(
        place,
        "raw-html",
        f"HTML, {first!r}",
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
