"""Targets of links that copying and pasting has damaged, and what they were before."""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from newsletter_mailer.checking.links.breaks import opened, with_hyphens
from newsletter_mailer.checking.links.wrappers import is_shortened
from newsletter_mailer.findings import Severity

RULES = frozenset(
    {
        "link-backslash",
        "link-broken-line",
        "link-doubled-scheme",
        "link-ending",
        "link-hidden-character",
        "link-host-case",
        "link-lost-hyphen",
        "link-quotation-mark",
    }
)
"""Every rule of this module."""

_HIDDEN = re.compile(
    r"%C2%AD|%E2%80%8[BEF]|%E2%81%A0|%EF%BB%BF"
    r"|(?<!%[0-9A-F]{2})%E2%80%8[CD]|%E2%80%8[CD](?!%)",
    re.IGNORECASE,
)
_SOFT_HYPHEN = re.compile(r"(?<=[A-Za-z0-9])%C2%AD(?=[A-Za-z0-9])", re.IGNORECASE)
_DOUBLE_QUOTE = re.compile(r"%E2%80%9[CDEF]|%C2%AB|%C2%BB", re.IGNORECASE)
_QUOTES = {"%E2%80%99": "%E2%80%98", "%22": "%22", "'": "'"}
_LINE_END = re.compile(r"(?:%0D|%0A|%09)+", re.IGNORECASE)
_OUTER_SPACE = re.compile(r"(?:%20|%C2%A0)+$|(?<=//)(?:%20|%C2%A0)+", re.IGNORECASE)
_POINTS = re.compile(r"(?:[.,;:]|%2C|%3B|%3E|%60)+$", re.IGNORECASE)
_BRACKETS = {")": "(", "%5D": "%5B", "]": "[", "%7D": "%7B"}
_LONGEST = 8_000
"""Characters of a URL that every server takes (RFC 9110, 4.1). No longer one is looked at."""

_ONLY_SCHEME = re.compile(r"https?://(https?)(?::?/+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mangling:
    """What is wrong with a URL, and what it probably was, the likeliest first."""

    rule: str
    found: str
    urls: tuple[str, ...]
    severity: Severity = Severity.ERROR


def mangling(url: str, words: AbstractSet[str]) -> Mangling | None:
    """What copying has done to a web address as the tree holds it; None where nothing shows.

    Several damages are one mangling, named for the first, whose suggestion mends them all.
    """
    if len(url) > _LONGEST:
        return None
    first: Mangling | None = None
    current = url
    while found := next(filter(None, (step(current) for step in _STEPS)), None):
        current = found.urls[0]
        first = replace(first, urls=(current,)) if first else found
    return first or next(_doubts(url, words), None)


def _doubts(url: str, words: AbstractSet[str]) -> Iterator[Mangling]:
    if urls := opened(url, words):
        found = "a space (%20), as a line end leaves one"
        yield Mangling("link-broken-line", found, urls, Severity.WARNING)
    if not is_shortened(url) and (hyphened := with_hyphens(url)) != url:
        found = "two words run into one, as if a hyphen were lost"
        yield Mangling("link-lost-hyphen", found, (hyphened,), Severity.WARNING)
    host = urlsplit(url).netloc
    if host != host.lower():
        lower = url.replace(host, host.lower(), 1)
        yield Mangling("link-host-case", "capital letters in its host", (lower,), Severity.WARNING)


def _scheme(url: str) -> Mangling | None:
    match = _ONLY_SCHEME.match(url)
    if not match:
        return None
    whole = f"{match[1].lower()}://{url[match.end() :]}"
    return Mangling("link-doubled-scheme", f"{match[1]!r} twice at its beginning", (whole,))


def _hidden(url: str) -> Mangling | None:
    bare = _HIDDEN.sub("", url)
    if bare == url:
        return None
    urls: tuple[str, ...] = (bare,)
    if _SOFT_HYPHEN.search(url):
        urls = (bare, _HIDDEN.sub("", _SOFT_HYPHEN.sub("-", url)))
    return Mangling("link-hidden-character", "a character in it that nobody sees", urls)


def _line_end(url: str) -> Mangling | None:
    whole = _OUTER_SPACE.sub("", _LINE_END.sub("", url))
    if whole == url:
        return None
    found = "a line end in it" if _LINE_END.search(url) else "a space at its end"
    return Mangling("link-broken-line", found, (whole,))


def _quotes(url: str) -> Mangling | None:
    """Quotation marks of print anywhere; those of the keyboard only where they are alone."""
    bare = _DOUBLE_QUOTE.sub("", url)
    for close, opening in _QUOTES.items():
        own = bare.upper().count(close)
        alone = own % 2 if close == opening else own > bare.upper().count(opening)
        if bare.upper().endswith(close) and alone:
            bare = bare[: -len(close)]
    if bare == url:
        return None
    return Mangling("link-quotation-mark", "a quotation mark in it", (bare,))


def _ending(url: str) -> Mangling | None:
    bare = url
    while True:
        shorter = _POINTS.sub("", bare)
        for close, opening in _BRACKETS.items():
            if shorter.upper().endswith(close) and (
                shorter.upper().count(close) > shorter.upper().count(opening)
            ):
                shorter = shorter[: -len(close)]
        if shorter == bare:
            break
        bare = shorter
    if bare == url:
        return None
    ending = url[len(bare) :]
    severity = Severity.WARNING if set(ending) == {"."} else Severity.ERROR
    return Mangling("link-ending", f"{ending!r} at its end", (bare,), severity)


def _backslash(url: str) -> Mangling | None:
    path, question, query = url.partition("?")
    slashed = re.sub(r"(?:%5C)+", "/", path, flags=re.IGNORECASE)
    if slashed == path:
        return None
    return Mangling("link-backslash", "a backslash in it", (f"{slashed}{question}{query}",))


_STEPS = (_scheme, _hidden, _line_end, _quotes, _ending, _backslash)
