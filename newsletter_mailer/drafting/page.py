"""A saved web page becomes a draft."""

import codecs
import re
from pathlib import Path

from newsletter_mailer.drafting.draft import Draft, Notes
from newsletter_mailer.drafting.elements import all_text, parsed
from newsletter_mailer.drafting.hypertext import HypertextReader
from newsletter_mailer.drafting.hypertext_words import WordsReader
from newsletter_mailer.drafting.pictures import Pictures

_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})", re.I)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_KNOWN = frozenset({"windows-1250", "windows-1251", "windows-1252", "iso-8859-1", "iso-8859-15"})
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


def page_draft(data: bytes, shown: str, folder: Path) -> Draft:
    """Read a web page whose pictures lie in `folder`. Nothing is fetched, no script runs.

    Raises:
        DraftError: it is nested too deep.
    """
    notes = Notes(shown)
    pictures = Pictures(notes, folder)
    root = parsed(page_text(data, notes), shown)
    if root is None:
        return Draft((), {}, tuple(notes.found))
    language = str(root.get("lang") or "")
    reader = HypertextReader(WordsReader(pictures, notes))
    blocks = reader.read(root)
    heading = root.find("head/title")
    title = "" if heading is None else " ".join(all_text(heading).split())
    return Draft(
        blocks,
        pictures.taken,
        tuple(notes.found),
        title,
        language if _LANGUAGE.fullmatch(language) else "",
    )


def page_text(data: bytes, notes: Notes) -> str:
    """The text of a file: by its mark, by what it declares, as UTF-8, or as Windows has it."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    declared = _CHARSET.search(data[:4096])
    named = declared[1].decode("ascii").lower() if declared else ""
    for encoding in ("utf-8", named if named in _KNOWN else "cp1252", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeError:
            continue
    notes.add(
        "draft-encoding",
        "signs in no encoding that is known",
        "Some letters may be wrong. Save the draft as UTF-8, and import it again.",
    )
    return data.decode("cp1252", errors="replace")
