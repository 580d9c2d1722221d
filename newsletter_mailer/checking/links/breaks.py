"""Addresses that a line end has broken: where the parts join, and which hyphen it swallowed.

Word processors and PDF files cut a long address anywhere, and take a hyphen at a line's
end for one of their own. What was meant shows only in the words that an address is made
of; so there are words to compare with, those of the issue among them.
"""

import re
from collections.abc import Set as AbstractSet
from urllib.parse import urlsplit

from newsletter_mailer.checking.links.slug_words import SLUG_WORDS
from newsletter_mailer.reading.urls import TOP_LEVEL, top_level

MOST = 3
"""Suggestions for one address; more would be a riddle."""

_SHORTEST = 5
"""Letters of a word that may have lost its hyphen. Shorter ones are found in other words."""

_GLUED = re.compile(r"(?<![A-Za-z])[a-z]{10,40}(?![A-Za-z])")
_LAST_WORD = re.compile(r"(?<![a-z])[a-z]+$")
_FIRST_WORD = re.compile(r"[a-z]+")
_PROSE = re.compile(r"(?<![\w./:@%&=?#-])[a-z]{2,}(?![\w/:@%&=?#-]|\.\w)")
_FILE_END = re.compile(
    r"\.(?:html?|aspx?|php|pdf|docx?|xlsx?|pptx?|jsp|cfm)(?:[?#]\S*)?$", re.IGNORECASE
)
_JOINERS = tuple("-_=&%?")


def vocabulary(texts: AbstractSet[str]) -> frozenset[str]:
    """The words of texts, without those inside addresses, and those of `SLUG_WORDS`."""
    return SLUG_WORDS.union(*(_PROSE.findall(text.lower()) for text in texts))


def with_hyphens(url: str) -> str:
    """The address with a hyphen between two of `SLUG_WORDS` that run into one in its path."""
    start = _path_start(url)
    stop = min((at for at in (url.find("?", start), url.find("#", start)) if at >= 0), default=None)
    path = url[start:stop]
    mended = _GLUED.sub(lambda match: _split(match[0]), path)
    return url[:start] + mended + (url[stop:] if stop is not None else "")


def _split(glued: str) -> str:
    """`policyresearch` as `policy-research`, where it can be cut in one way only."""
    if glued in SLUG_WORDS:
        return glued
    cuts = [
        at
        for at in range(_SHORTEST, len(glued) - _SHORTEST + 1)
        if glued[:at] in SLUG_WORDS and glued[at:] in SLUG_WORDS
    ]
    return f"{glued[: cuts[0]]}-{glued[cuts[0] :]}" if len(cuts) == 1 else glued


def _path_start(url: str) -> int:
    """Where an address's path begins; its end where it has none."""
    start = url.find("/", url.find("://") + 3)
    return start if start >= 0 else len(url)


def joined(parts: list[str], words: AbstractSet[str]) -> tuple[str, ...]:
    """What an address broken into parts may have been: the likeliest first, at most three."""
    plain = "".join(parts)
    hyphened = parts[0]
    for part in parts[1:]:
        between = "-" if _may_have_lost_one(hyphened, part) else ""
        hyphened += between + part
    offers = [plain, hyphened]
    if _meet_as_words(parts, words):
        offers.reverse()
    if any(part.endswith("-") for part in parts[:-1]):
        offers.append("".join([*(part.removesuffix("-") for part in parts[:-1]), parts[-1]]))
    mended = [with_hyphens(offer) for offer in offers]
    return tuple(dict.fromkeys([mended[0], *offers, *mended]))[:MOST]


def _may_have_lost_one(before: str, after: str) -> bool:
    return before[-1:].isalnum() and after[:1].isalnum()


def _meet_as_words(parts: list[str], words: AbstractSet[str]) -> bool:
    """Whether the first break lies between two whole words."""
    before, after = _ends(parts[0], parts[1])
    return before in words and after in words and before + after not in words


def _ends(before: str, after: str) -> tuple[str, str]:
    """The words on both sides of a break; empty where it lies beside another sign."""
    left, right = _LAST_WORD.search(before.lower()), _FIRST_WORD.match(after.lower())
    return (left[0] if left else "", right[0] if right else "")


def goes_on(url: str, after: str, words: AbstractSet[str]) -> bool:
    """Whether `after`, which stands behind a space in a text, belongs to the address before.

    True only for what cannot well be a word of the sentence.
    """
    if not after or after.lower().startswith(("http:", "https:", "www.")):
        return False
    has_path = _path_start(url) < len(url)
    if url.endswith(_JOINERS):
        return after[0].isalnum()
    if not has_path and not _has_whole_host(url):
        return bool(re.match(r"[a-z0-9.-]+\.[a-z]{2,}(?:/|$)", after))
    if url[-1] in ".,;:!?)]":
        return url[-1] == "." and bool(_FILE_END.fullmatch("." + after))
    if after[0] in "/?#&=%_" and after[1:2].isalnum():
        return True
    if after[0] == "-" and after[1:2].islower() and url[-1].isalnum() and has_path:
        return True
    if has_path and not _FILE_END.search(url) and _FILE_END.search(after) and after[0].islower():
        return True
    if has_path and "_" in after:
        return True
    left, right = _ends(url, after)
    return has_path and bool(left and right) and left not in words and left + right in words


def _has_whole_host(url: str) -> bool:
    try:
        return top_level(urlsplit(url).hostname or "") in TOP_LEVEL
    except ValueError:
        return True


def opened(url: str, words: AbstractSet[str]) -> tuple[str, ...]:
    """What a URL with one encoded space was, where a line end made that space; else nothing.

    Names of files hold spaces by right, so it needs a sign: one at the space that also
    parts words, or two bits of words that are one word together.
    """
    before, space, after = url.partition("%20")
    if not space or "%20" in after or "?" in before or not before or not after:
        return ()
    left, right = _ends(before, after)
    torn = left + right in words and not (left in words and right in words)
    if torn or before[-1] in "/_-" or after[0] in "/_-":
        return joined([before, after], words)
    return ()
