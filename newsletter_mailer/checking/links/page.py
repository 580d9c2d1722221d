"""What is read of a page: its places for fragments, and signs that it is not what it seems."""

import codecs
import re
import zlib
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from lxml import etree

READ = 64 * 1024
"""Bytes that are read of a page, where only its head and first words matter."""

READ_FOR_FRAGMENTS = 512 * 1024
"""Bytes that are read of a page, to find a place in it."""

_WORDS = 400
_FEW_WORDS = 250
_MENU = 25
_HEADINGS = frozenset({"title", "h1"})
_LONGEST_HEADING = 500
_UNSEEN = ("script", "style", "noscript", "template", "title", "svg")
_ALIKE = 0.85

_GONE_HEADING = re.compile(
    r"\b(?:error\s*404|404\s*error|http\s*404)\b|^\W*404\b|\b404\W*$"
    r"|\b(?:page|file|document|resource|content|site|url)\b.{0,30}\b(?:not|n[o']t)\s+(?:be\s+)?"
    r"(?:found|exist|available)"
    r"|\bnot found\b|\bno longer (?:available|exists?|here)\b|\bpage (?:was |has been )?"
    r"(?:removed|deleted|missing|gone)\b|\bdoes(?: not|n't) exist\b",
    re.IGNORECASE,
)
_GONE_WORDS = re.compile(
    r"page (?:that )?you(?:'re| are| were|'ve| have)? (?:requested|looking for|looked for|tried)"
    r".{0,60}(?:not|n't|no longer|moved|removed)"
    r"|(?:can(?:no|')t|could(?: not|n't)) (?:be found|find (?:the|that|this) page)"
)
_SALE_WORDS = ("domain", "parked", "parking", "hugedomains", "afternic", "bodis")
_PARKED = re.compile(
    r"\bdomain (?:name )?(?:is|may be|might be) for sale\b|\bbuy this domain\b"
    r"|\bdomain (?:is |has been )?parked\b|\bparked (?:domain|free)\b"
    r"|\bthis domain (?:name )?(?:has (?:recently )?(?:been registered|expired)|is available)\b"
    r"|\b(?:sedoparking|parkingcrew|hugedomains|afternic|bodis)\b"
)
_CHALLENGE = re.compile(
    r"^(?:just a moment\b|attention required\b|access denied\b|pardon our interruption"
    r"|are you (?:a )?(?:robot|human)|security check|please verify you are|ddos-guard)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Page:
    """The beginning of a page. `whole` says that nothing of it is missing.

    `scripted` pages show little until a browser has run their scripts.
    """

    title: str
    heading: str
    words: tuple[str, ...]
    places: frozenset[str]
    canonical: str
    whole: bool
    scripted: bool

    @property
    def gone(self) -> str:
        """The words by which the page says that there is nothing; empty where it does not."""
        for text in (self.title, self.heading):
            if _GONE_HEADING.search(text):
                return text
        if len(self.words) >= _FEW_WORDS:
            return ""
        found = _GONE_WORDS.search(" ".join(self.words).lower())
        return found[0] if found else ""

    @property
    def parked(self) -> bool:
        """Whether it is what a registrar shows for a domain that nobody uses."""
        if len(self.words) >= _FEW_WORDS:
            return False
        shown = " ".join((self.title, *self.words)).lower()
        # Most pages have none of these, and the pattern is slow to say so.
        return any(word in shown for word in _SALE_WORDS) and bool(_PARKED.search(shown))

    @property
    def challenges(self) -> bool:
        """Whether it asks visitors to prove that they are human."""
        return bool(_CHALLENGE.search(self.title))

    def has(self, fragment: str) -> bool | None:
        """Whether the page has a place of this name; None where that cannot be told.

        The empty fragment and `top` are the page's beginning (HTML, "scroll to the
        fragment"). Fragments such as `/contact` and `!/contact` are read by scripts, and
        `:~:text=` names words, not a place.
        """
        name = fragment.partition(":~:")[0]
        if name.lower() in {"", "top"} or name.startswith(("/", "!")):
            return True
        names = {name, unquote(name)}
        # GitHub and others who show people's Markdown put this before its headings' ids.
        if self.places & (names | {f"user-content-{one}" for one in names}):
            return True
        return False if self.whole and not self.scripted else None


def alike(one: Page, other: Page) -> bool:
    """Whether two pages say the same, but for the odd word such as the address asked for."""
    if one.title != other.title:
        return False
    mine, theirs = set(one.words), set(other.words)
    both = mine | theirs
    return not both or len(mine & theirs) / len(both) >= _ALIKE


def read_page(data: bytes, charset: str | None, *, whole: bool) -> Page | None:
    """Read HTML; None where there is nothing to read. Bad HTML is read as far as it goes."""
    if charset is None and _is_utf8(data):
        charset = "utf-8"
    try:
        parser = _parser(charset)
    except LookupError:
        parser = _parser(None)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    if root is None:
        return None
    places: set[str] = set()
    first: dict[str, str] = {}
    canonical = ""
    scripts = False
    for element in root.iter("*"):
        places.update(name for name in (element.get("id"), element.get("name")) if name)
        tag = element.tag
        if tag == "script":
            scripts = True
        elif tag in _HEADINGS and tag not in first:
            text = " ".join(map(str, element.itertext()))
            first[tag] = " ".join(text[:_LONGEST_HEADING].split())
        elif tag == "link" and element.get("rel") == "canonical":
            canonical = element.get("href", "")
    etree.strip_elements(root, *_UNSEEN, with_tail=False)
    words = _words(root)
    return Page(
        title=first.get("title", ""),
        heading=first.get("h1", ""),
        words=words,
        places=frozenset(places),
        canonical=canonical,
        whole=whole,
        scripted=scripts and len(words) < _MENU,
    )


@lru_cache(maxsize=8)
def _parser(charset: str | None) -> etree.HTMLParser:
    """A parser for a charset; it takes longer to make one than to read a small page."""
    return etree.HTMLParser(encoding=charset, remove_comments=True, huge_tree=True)


def _is_utf8(data: bytes) -> bool:
    """Whether it reads as UTF-8, but for a character that is cut at the end."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return True


def _words(root: etree._Element) -> tuple[str, ...]:
    words: list[str] = []
    for text in root.itertext():
        words += str(text).split()
        if len(words) >= _WORDS:
            break
    return tuple(words[:_WORDS])


class Unpacker:
    """Takes a body in, packed or not, up to a number of bytes, and never holds more."""

    def __init__(self, encoding: str, most: int) -> None:
        self._most = most
        self._data = bytearray()
        self._encoding = encoding.strip().lower()
        # 32 + MAX_WBITS reads gzip's and zlib's heads alike.
        packed = self._encoding in {"gzip", "x-gzip", "deflate"}
        self._inflate = zlib.decompressobj(32 + zlib.MAX_WBITS) if packed else None
        self._started = False

    @property
    def readable(self) -> bool:
        """Whether the body comes in a packing that is known here."""
        return self._inflate is not None or self._encoding in {"", "identity"}

    @property
    def full(self) -> bool:
        """Whether there is as much as was wanted."""
        return len(self._data) >= self._most

    @property
    def data(self) -> bytes:
        """What was taken in."""
        return bytes(self._data)

    def feed(self, chunk: bytes) -> None:
        """Take in some more.

        Raises:
            zlib.error: it is not packed as it claims to be.
        """
        room = self._most - len(self._data)
        if room <= 0:  # which zlib would take for no limit at all
            return
        if self._inflate is None:
            self._data += chunk[:room]
            return
        try:
            self._data += self._inflate.decompress(chunk, room)
        except zlib.error:
            if self._started or self._encoding != "deflate":
                raise
            # Some servers send raw deflate without zlib's head, and browsers read it.
            self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
            self._data += self._inflate.decompress(chunk, room)
        self._started = True
