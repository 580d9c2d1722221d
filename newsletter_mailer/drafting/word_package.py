"""A .docx file looked over before anything reads it: a zip of XML parts, from anybody."""

import io
import re
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from xml.parsers import expat

from newsletter_mailer.errors import DraftError

LARGEST_FILE = 100_000_000
"""Bytes of a draft; one with many photographs has some ten million."""

LARGEST_PART = 50_000_000
"""Bytes of text in one part of the zip, unpacked: some five thousand pages."""

LARGEST_WHOLE = 300_000_000
"""Bytes of all parts, unpacked."""

MOST_PARTS = 5_000
DEEPEST = 100
"""Elements in each other; a table in a text box in a table has about forty."""

_MAIN = "word/document.xml"
_OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LANGUAGE = re.compile(rb'<w:lang\b[^>]*\bw:val="([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)"')
_COUNTED = frozenset(
    {"w:ins", "w:del", "w:moveFrom", "w:moveTo", "w:txbxContent", "w:object", "m:oMath",
     "c:chart", "dgm:relIds", "w:fldSimple"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class WordPackage:
    """What stands in a .docx besides its text: counts of elements, and facts of its parts."""

    counts: Counter[str]
    comments: int
    macros: bool
    margins: bool
    contents: bool
    language: str


def looked_over(data: bytes, shown: str) -> WordPackage:
    """Look a .docx over.

    Raises:
        DraftError: it is none, is protected, damaged or made to do harm.
    """
    if data.startswith(_OLD):
        raise DraftError(
            f"{shown} is a document of an old Word (.doc), or one with a password. Open it in "
            "Word, take the password off if it has one, and save it as .docx."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            return _package(package, shown)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DraftError(
            f"{shown} is no Word document, or a damaged one ({error}). Open it in Word and save "
            "it anew as .docx."
        ) from error
    except RuntimeError as error:  # a zip with a password of its own
        raise DraftError(f"{shown} is protected ({error}). Save it without a password.") from error


def _package(package: zipfile.ZipFile, shown: str) -> WordPackage:
    entries = package.infolist()
    sizes = {entry.filename: entry.file_size for entry in entries}
    texts = [name for name in sizes if name.endswith((".xml", ".rels"))]
    largest = max((sizes[name] for name in texts), default=0)
    if len(entries) > MOST_PARTS or sum(sizes.values()) > LARGEST_WHOLE or largest > LARGEST_PART:
        raise DraftError(
            f"{shown} unpacks to {sum(sizes.values()):,} bytes in {len(entries):,} parts, which "
            "is far too much for a text. Copy the text into a new document, and save that."
        )
    if _MAIN not in sizes:
        raise DraftError(
            f"{shown} is a zip file without a Word document in it (no {_MAIN}). Save the draft "
            "in Word as .docx."
        )
    counts: Counter[str] = Counter()
    comments = 0
    for name in texts:
        count = _counted(package.read(name), shown)
        if name == _MAIN:
            counts = count
        elif name == "word/comments.xml":
            comments = count["w:comment"]
    styles = package.read("word/styles.xml") if "word/styles.xml" in sizes else b""
    language = _LANGUAGE.search(styles)
    return WordPackage(
        counts,
        comments,
        macros=any(name.lower().endswith("vbaproject.bin") for name in sizes),
        margins=any(_has_words(package, name) for name in texts if _is_margin(name)),
        contents=counts["TOC"] > 0,
        language=language[1].decode() if language else "",
    )


def _is_margin(name: str) -> bool:
    return re.fullmatch(r"word/(?:header|footer)\d*\.xml", name) is not None


def _has_words(package: zipfile.ZipFile, name: str) -> bool:
    return re.search(rb"<w:t(?:\s[^>]*)?>[^<]*\w", package.read(name)) is not None


def _counted(part: bytes, shown: str) -> Counter[str]:
    """How often the elements that matter stand in a part, which must be sound and flat."""
    counts: Counter[str] = Counter()
    depth = 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise DraftError(
                f"{shown} is nested too deep: more than {DEEPEST} elements in each other. Copy "
                "its text into a new document, and save that."
            )
        if name in _COUNTED or name == "w:comment":
            counts[name] += 1
        elif name == "w:pStyle" and attributes.get("w:val", "").upper().startswith("TOC"):
            counts["TOC"] += 1

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*_about: object) -> None:
        raise DraftError(
            f"{shown} declares entities of its own, which Word never does. It was not read "
            "further. Ask whoever sent it for a document that Word has saved."
        )

    parser = expat.ParserCreate()
    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(part, True)
    except expat.ExpatError as error:
        raise DraftError(
            f"{shown} is damaged: a part of it is not sound XML ({error}). Open it in Word, let "
            "Word mend it, and save it anew."
        ) from error
    return counts
