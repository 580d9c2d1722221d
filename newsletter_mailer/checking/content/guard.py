"""The content guard: case information never belongs in a newsletter.

Whatever leaves with an issue is looked at: its words, the targets of its links, the names
and the metadata of its pictures. Findings show numbers masked and dates not at all, since
logs keep what is printed.
"""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from urllib.parse import parse_qsl, unquote, urlsplit

from newsletter_mailer.checking.content import birth, identifiers, markings, metadata, phones
from newsletter_mailer.checking.content.hit import Hit
from newsletter_mailer.checking.content.lines import Lines
from newsletter_mailer.checking.content.passages import Kind, Passage, passages
from newsletter_mailer.findings import Finding, Place, Severity
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.settings import Settings

RULES = identifiers.RULES | birth.RULES | markings.RULES | phones.RULES | metadata.RULES
"""Every rule of the guard. Each can be waived by somebody who answers for it."""

_NOBODY = "nothing that says who a person is"
_WORDS: Mapping[str, tuple[str, str]] = {
    "nhs-number": (_NOBODY, "Take it out, and see that it did not come from a case file."),
    "upn": (_NOBODY, "Take it out, and see that it did not come from a case file."),
    "ni-number": (_NOBODY, "Take it out, and see that it did not come from a case file."),
    "birth-date": (_NOBODY, "Take it out; a year or an age says enough."),
    "protective-marking": (
        "words that may be public",
        "Take out what comes from a marked paper. For an article about markings, waive the rule.",
    ),
    "personal-mobile": (
        "the number of an office",
        "Give the office's number. Where the mobile belongs to a service, waive the rule.",
    ),
}
_DIGITS = re.compile("[0-9]{2}")
"""No number of a person and no date of birth is without two digits side by side."""

_URL = re.compile(
    r"(?:https?://|www\.)\S+|\b[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,9}/\S*", re.IGNORECASE
)
_INVISIBLE = dict.fromkeys([0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])
_SPACES = [0xA0, 0x202F, 0x3000, *range(0x2000, 0x200B)]
_DASHES = [*range(0x2010, 0x2016), 0x2212]
_PLAIN = {
    **dict.fromkeys(_SPACES, " "),
    **dict.fromkeys(_DASHES, "-"),
    **{0xFF10 + digit: str(digit) for digit in range(10)},
    **_INVISIBLE,
}
"""Spaces, dashes and wide digits as ASCII has them; signs that cannot be seen are dropped."""


def content(issue: Issue, settings: Settings) -> list[Finding]:
    """What never belongs in an issue, each with the line of its file on which it stands."""
    lines = Lines(settings.root)
    found: dict[tuple[Place, str, str], Finding] = {}
    looked_at = list(passages(issue))
    findings: list[Finding] = []
    for path, place in metadata.pictures(issue, settings).items():
        traces, texts = metadata.metadata(path, partial(lines.find, place, path.name))
        findings += traces
        looked_at += texts
    for passage in looked_at:
        for hit in _hits(passage):
            finding = _finding(hit, lines.find(passage.place, hit.text))
            key = (finding.place, hit.rule, _identity(hit))
            if key not in found or finding.severity is Severity.ERROR:
                found[key] = finding
    return sorted([*findings, *found.values()])


def _plain(text: str) -> str:
    return text if text.isascii() else text.translate(_PLAIN)


def _finding(hit: Hit, place: Place) -> Finding:
    expected, mend = _WORDS[hit.rule]
    return Finding(place, hit.rule, hit.shown, expected, mend, hit.severity)


def _identity(hit: Hit) -> str:
    """What tells two numbers apart, however they are spaced and whatever begins them."""
    signs = "".join(sign for sign in hit.text if sign.isalnum()).upper()
    return signs[-10:] if hit.rule == "personal-mobile" else signs


def _hits(passage: Passage) -> Iterator[Hit]:
    if passage.kind is Kind.TARGET:
        yield from _in_target(passage.text)
    elif passage.kind is Kind.NAME:
        text = _plain(passage.text.replace("_", " "))
        yield from markings.markings(passage.text, strict=True)
        yield from _in_words(text)
    else:
        text = _plain(passage.text)
        if "/" in text or "www." in text:
            for url in _URL.finditer(text):
                yield from _in_target(url[0])
            text = _URL.sub(" ", text)
        yield from markings.markings(text)
        yield from _in_words(text, _plain(passage.context))


def _in_words(text: str, context: str = "", *, only_named: bool = False) -> Iterator[Hit]:
    """What is in a text, told apart by what heads it too; what is in that is its own matter."""
    if not _DIGITS.search(text):
        return
    whole = context + text
    hits = [*identifiers.identifiers(whole, only_named=only_named), *birth.birth_dates(whole)]
    hits += phones.mobiles(whole)
    yield from (hit for hit in hits if hit.start >= len(context))


def _in_target(target: str) -> Iterator[Hit]:
    """What a link's target gives away to whoever sees it: people, and servers' logs.

    The path of a URL holds numbers of any kind, so only a marking counts there; in its
    query a number counts as a person's NHS number where its name says so.
    """
    try:
        parts = urlsplit(target)
    except ValueError:  # which reading the issue reports
        return
    if parts.scheme == "tel":
        yield from phones.mobiles(_plain(unquote(parts.path)))
        return
    path = _plain(unquote(parts.path))
    is_web = parts.scheme != "mailto"
    yield from markings.markings(path, strict=is_web)
    if not is_web:
        yield from _in_words(path)
    elif parts.hostname == "wa.me":
        yield from phones.mobiles(path.replace("/", " "))
    fields = parse_qsl(parts.query, keep_blank_values=True)
    fields += [("", unquote(parts.fragment))] if parts.fragment else []
    for name, value in fields:
        text = _plain(value)
        context = f"{name.replace('_', ' ')}: " if name else ""
        yield from markings.markings(text, strict=is_web)
        yield from _in_words(text, context, only_named=is_web)
