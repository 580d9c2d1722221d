"""Addresses in the words of an issue, which Markdown left as they are and nobody can press.

A blank in a target, or a line end in it, keeps Markdown from seeing the link at all: it
stays in the text as it was typed.
"""

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from newsletter_mailer.checking.accessibility import VAGUE
from newsletter_mailer.checking.links.breaks import goes_on, joined
from newsletter_mailer.checking.links.hosts import LOCAL_FILE
from newsletter_mailer.checking.links.mailto import ADDRESS
from newsletter_mailer.checking.links.mangled import mangling
from newsletter_mailer.checking.links.mentions import Passage
from newsletter_mailer.checking.links.retired import retired
from newsletter_mailer.findings import Finding, Severity, brief
from newsletter_mailer.reading.urls import (
    DOMAIN,
    TOP_LEVEL,
    either,
    likely_urls,
    top_level,
)

RULES = frozenset({"link-missing", "link-nowhere", "link-not-a-link"})
"""Every rule of this module."""

_SIGN = re.compile(r"[@\[\\<]|:[/\\:]|//|\.[A-Za-z]{2}")
"""One of these is in every address, so that most passages need no closer look."""

_NOT_A_LINK = re.compile(
    r"\[([^\[\]]*)\](\s*)\((?:\s*<)?([^()<>]*(?:\([^()]*\)[^()<>]*)*)(?:>\s*)?\)"
)
_ANGLED = re.compile(r"<\s*((?:h(?:tt|xx)ps?:|www\.)[^<>]*)>", re.IGNORECASE)
_NO_TARGET = re.compile(r"\[([^\[\]]{2,40})\](?!\s*[(\[:])")
_ADDRESS_START = re.compile(
    rf"(?:h(?:tt|xx)ps?\b[:/]|www\.|mailto:|{DOMAIN}(?:[/?#]|\s*$))", re.IGNORECASE
)
_URL = re.compile(
    r"(?<![\w@./-])(?:h(?:tt|xx)ps?(?::|//)|www\.)[^\s<>\"“”\ufffc\0]+", re.IGNORECASE
)
_NEXT = re.compile(r"\s+([^\s<>\ufffc\0]+)")
_HOST = re.compile(rf"(?<![\w@./\\:#&=%+'’-])({DOMAIN})(?![\w@-])((?::\d+)?/[^\s<>\ufffc\0]*)?")
_END = ".,;:!?)]}>'\"’”*…"
_ALONE = frozenset({"ac.uk", "co.uk", "gov.uk", "nhs.uk", "org.uk", "police.uk", "sch.uk"})
"""Endings that stand for a kind of body in a sentence, and are no address."""

_MOST_PARTS = 6


def has_url(text: str) -> bool:
    """Whether an address stands in a text."""
    return bool(_URL.search(text))


@dataclass(slots=True)
class TextReader:
    """Looks for addresses in passages.

    `sites` are the addresses of home pages that the issue links, by host without `www.`;
    `words` is the vocabulary that mends broken addresses; `office` the office's address.
    """

    words: AbstractSet[str]
    sites: Mapping[str, str]
    office: str

    def findings(self, passage: Passage) -> Iterator[Finding]:
        """Every address in a passage that is none for its readers."""
        text = passage.text
        if not _SIGN.search(text):
            return
        for pattern, read in (
            (_NOT_A_LINK, self._typed),
            (_ANGLED, self._angled),
            (_NO_TARGET, self._nowhere),
            (LOCAL_FILE, self._local),
            (ADDRESS, self._retired),
        ):
            for match in pattern.finditer(text):
                finding = read(match, passage)
                if finding:
                    yield finding
                    text = _blanked(text, match.start(), match.end())
        yield from self._bare(text, passage)

    def _typed(self, match: re.Match[str], passage: Passage) -> Finding | None:
        """A link in Markdown's form that Markdown did not take for one."""
        words, gap, target = match[1].strip(), match[2], match[3].strip()
        if not _ADDRESS_START.match(target):
            return None
        if " " in target:
            return self._broken(target.split(), passage, f"[{words}]({target})", words)
        urls = self._likely(target)
        mend = f"Write [{words}]({urls[0] if urls else target}), without the gap."
        if not gap:
            mend = "No link can stand here: write it in the text of the article."
        return Finding(
            passage.place,
            "link-not-a-link",
            f"{brief(match[0], 120)!r}, which stays in the text as it is",
            "[words](address) in a text, with nothing between the two",
            mend,
        )

    def _angled(self, match: re.Match[str], passage: Passage) -> Finding | None:
        parts = match[1].split()
        return self._broken(parts, passage, match[0], "words") if len(parts) > 1 else None

    def _broken(
        self, parts: list[str], passage: Passage, shown: str, words: str = "words"
    ) -> Finding:
        """The finding for an address in several parts."""
        offers = [self._whole(offer) for offer in joined(parts, self.words)]
        return Finding(
            passage.place,
            "link-broken-line",
            f"an address broken by a line end or a space, {brief(shown, 120)!r}",
            "the whole address in one piece",
            f"Try {either(tuple(dict.fromkeys(offers)))}, and write [{words}](address).",
        )

    def _whole(self, url: str) -> str:
        """A joined address with its other damages mended, as a mail would carry it."""
        likely = likely_urls(url)
        url = likely[0] if likely else url
        found = mangling(url, frozenset())
        return found.urls[0] if found else url

    def _likely(self, found: str) -> tuple[str, ...]:
        """What an address in a text stands for; one that the issue links comes first."""
        likely = likely_urls(found)
        if not likely:
            return ()
        known = self.sites.get(likely[0].partition("://")[2].strip("/").removeprefix("www."))
        if found.lower().startswith(("http:", "https:")) and "://" in found:
            known = None
        return tuple(dict.fromkeys([known, *likely] if known else likely))[:3]

    def _nowhere(self, match: re.Match[str], passage: Passage) -> Finding | None:
        """`[here]`, whose target was never written."""
        words = match[1].strip()
        if words.casefold() not in VAGUE:
            return None
        return Finding(
            passage.place,
            "link-nowhere",
            f"{match[0]!r}, a link without a target, which leads nowhere",
            "[words that name the page](address)",
            "Write where it leads.",
        )

    def _local(self, match: re.Match[str], passage: Passage) -> Finding | None:
        return Finding(
            passage.place,
            "link-local",
            f"the file {brief(_trimmed(match[0]))!r} on a computer or a share of one organisation",
            "an address that every reader can open",
            "Put the file on a website, and link to it there.",
        )

    def _retired(self, match: re.Match[str], passage: Passage) -> Finding | None:
        return retired(passage.place, match[0].rstrip("."), self.office)

    def _bare(self, text: str, passage: Passage) -> Iterator[Finding]:
        """Whole and broken URLs, then names of hosts, that are not links."""
        for match in _URL.finditer(text):
            parts, end = self._parts(text, match)
            text = _blanked(text, match.start(), end)
            if len(parts) > 1:
                yield self._broken(parts, passage, " ".join(parts))
            else:
                finding = self._missing(parts[0], passage)
                if finding:
                    yield finding
        for match in _HOST.finditer(ADDRESS.sub(lambda found: "\0" * len(found[0]), text)):
            if _is_a_site(match[1], match[2] or ""):
                finding = self._missing(_trimmed(match[0]), passage)
                if finding:
                    yield finding

    def _parts(self, text: str, match: re.Match[str]) -> tuple[list[str], int]:
        """An address and the bits behind it that belong to it, and where the last one ends."""
        parts, end = [match[0]], match.end()
        while len(parts) < _MOST_PARTS:
            following = _NEXT.match(text, end)
            if not following or not goes_on("".join(parts), following[1].rstrip(_END), self.words):
                break
            parts.append(following[1])
            end = following.end()
        parts[-1] = _trimmed(parts[-1])
        return parts, end

    def _missing(self, found: str, passage: Passage) -> Finding | None:
        """The finding for an address in the text that is no link."""
        urls = self._likely(found)
        if not urls:
            return None
        mended = mangling(urls[0], self.words)
        if mended:
            urls = (*mended.urls, urls[0]) if mended.severity is Severity.WARNING else mended.urls
        return Finding(
            passage.place,
            "link-missing",
            f"the address {brief(found, 120)!r}, which is not a link",
            "[the name of what is there](address)",
            f"Link it: {either(tuple(dict.fromkeys(urls))[:3])}.",
            Severity.WARNING,
        )


def _blanked(text: str, start: int, end: int) -> str:
    """The text with a stretch that has been reported made unreadable."""
    return text[:start] + "\0" * (end - start) + text[end:]


def _trimmed(found: str) -> str:
    """An address without the sentence's own signs at its end."""
    while found and found[-1] in _END:
        if found[-1] == ")" and found.count("(") >= found.count(")"):
            break
        found = found[:-1]
    return found


def _is_a_site(host: str, path: str) -> bool:
    """Whether a dotted word is a web address, and not a brand, a file or a missing space."""
    ending = host.rpartition(".")[2]
    if top_level(host) not in TOP_LEVEL or host.lower() in _ALONE:
        return False
    if path:
        return True
    if host.isupper():
        return ending in {"COM", "ORG", "UK"}
    return ending.islower() and not host[0].isupper()


def home_pages(urls: AbstractSet[str]) -> dict[str, str]:
    """The home pages among web addresses, by host without `www.`."""
    pages: dict[str, str] = {}
    for url in sorted(urls):
        scheme, _, rest = url.partition("://")
        if scheme in ("http", "https") and "/" not in rest.rstrip("/"):
            pages.setdefault(rest.strip("/").removeprefix("www."), url)
    return pages
