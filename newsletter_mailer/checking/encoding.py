"""Encoding: every part of every mail is text that any mail program can take and show.

Lines need no check of their own: quoted-printable, in which all parts are sent, breaks
each of them at 76 characters, well below the 998 of RFC 5322, 2.1.1. The subject is one
line, which its header folds.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.compiling.merge import Segments
from newsletter_mailer.findings import Finding, brief
from newsletter_mailer.reading.document import Issue

RULES = frozenset({"control-character-in-mail", "not-utf-8", "stray-merge-field", "broken-subject"})
"""None of them can be waived: such a mail is damaged, whoever answers for it."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_REFERENCE = re.compile(r"&#(?:x(?P<hex>[0-9a-f]+)|(?P<decimal>[0-9]+));", re.IGNORECASE)
_LAST_CONTROL = 0x9F
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_END = re.compile(r"[\r\n\u2028\u2029]")
_AROUND = 20


def encoding(issue: Issue, emails: Sequence[CompiledEmail]) -> list[Finding]:
    """Characters that break a mail; the same in several variants is found once."""
    found: dict[tuple[str, str, str], str] = {}
    for email in emails:
        parts = {"subject": email.subject, "HTML": email.html, "plain text": email.text}
        for part, segments in parts.items():
            for rule, what in _damage(part, segments):
                found.setdefault((rule, part, what), email.name)
    return [
        Finding(issue.place, rule, f"{what} in the {part} for {variant}", *_MENDS[rule])
        for (rule, part, what), variant in found.items()
    ]


_MENDS: Mapping[str, tuple[str, str]] = {
    "control-character-in-mail": (
        "characters that can be seen",
        "Take it out of the article, the template or the setting that it comes from.",
    ),
    "not-utf-8": (
        "text that UTF-8 can write",
        "Type the character anew where it comes from: it was broken when it was copied.",
    ),
    "stray-merge-field": (
        "merge fields that this program knows, each in its two pairs of braces",
        "Mend the field, or take the braces out.",
    ),
    "broken-subject": ("a subject on one line", "Take the line end out."),
}


def _damage(part: str, segments: Segments) -> Iterator[tuple[str, str]]:
    """The first damage of each kind in a part: its rule, and what it is."""
    for literal in segments.literals:
        if bad := _CONTROL.search(literal):
            yield (
                "control-character-in-mail",
                f"the control character U+{ord(bad[0]):04X} {_near(literal, bad)}",
            )
        if part == "HTML" and (bad := _bad_reference(literal)):
            yield (
                "control-character-in-mail",
                f"the control character {bad[0]} {_near(literal, bad)}",
            )
        if bad := _SURROGATE.search(literal):
            yield "not-utf-8", f"half a character, U+{ord(bad[0]):04X}, {_near(literal, bad)}"
        if bad := re.search(r"\{\{", literal):
            yield "stray-merge-field", f"two opening braces {_near(literal, bad)}"
        if part == "subject" and (bad := _LINE_END.search(literal)):
            yield "broken-subject", f"a line end {_near(literal, bad)}"


def _bad_reference(literal: str) -> re.Match[str] | None:
    """The first reference such as `&#7;` to a character that must not stand there itself."""
    for match in _REFERENCE.finditer(literal):
        code = int(match["hex"], 16) if match["hex"] else int(match["decimal"])
        if code <= _LAST_CONTROL and _CONTROL.match(chr(code)):
            return match
    return None


def _near(text: str, match: re.Match[str]) -> str:
    """The words around what was found, with nothing in them that cannot be printed."""
    around = text[max(0, match.start() - _AROUND) : match.end() + _AROUND]
    return f"near {brief(''.join(c if c.isprintable() else ' ' for c in around))!r}"
