"""A Word document becomes a draft."""

import io
import re
from dataclasses import replace
from typing import Any

from lxml import etree

from newsletter_mailer.drafting.draft import Draft, Notes
from newsletter_mailer.drafting.elements import Element, all_text, parsed
from newsletter_mailer.drafting.hypertext import HypertextReader
from newsletter_mailer.drafting.hypertext_words import WordsReader
from newsletter_mailer.drafting.pictures import Pictures
from newsletter_mailer.drafting.runs import Run, in_one_line
from newsletter_mailer.drafting.word_package import WordPackage, looked_over
from newsletter_mailer.errors import DraftError

_PREFIX = "draft-"
_NOTE_ID = re.compile(rf"{_PREFIX}(?:foot|end)note-\d+")

_STYLES = """
p[style-name='Title'] => h1.title:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name='heading 7'] => h6:fresh
p[style-name='heading 8'] => h6:fresh
p[style-name='heading 9'] => h6:fresh
p[style-name='Quote'] => blockquote > p:fresh
p[style-name='Intense Quote'] => blockquote > p:fresh
p[style-name='caption'] => p.caption:fresh
p[style-name='Caption'] => p.caption:fresh
p[style-name^='toc '] => !
p[style-name^='TOC '] => !
r[style-name='Emphasis'] => em
r[style-name='Intense Emphasis'] => em
r[style-name='Subtle Emphasis'] => em
r[style-name='Intense Strong'] => strong
"""
"""Word's own styles that mean something, besides those that mammoth knows."""


def word_draft(data: bytes, shown: str) -> Draft:
    """Read a .docx. Changes that were tracked are taken as accepted.

    Nothing outside of the file is opened, and no macro is run.

    Raises:
        DraftError: it cannot be read.
    """
    package = looked_over(data, shown)
    notes = Notes(shown)
    _note(package, notes)
    html, inside = _html(data, shown, notes)
    pictures = Pictures(notes, inside=inside)
    root = parsed(html, shown)
    if root is None:
        return Draft((), {}, tuple(notes.found), language=package.language)
    words = WordsReader(pictures, notes)
    words.notes_of = _footnotes(root, words)
    title = _title(root)
    _captions(root)
    blocks = HypertextReader(words, boxes=True).read(root)
    return Draft(blocks, pictures.taken, tuple(notes.found), title, package.language)


def _html(data: bytes, shown: str, notes: Notes) -> tuple[str, dict[str, bytes]]:
    """The document as mammoth's HTML, and its pictures by the names they have in it."""
    import mammoth  # noqa: PLC0415 - slow to import, and only this command needs it

    inside: dict[str, bytes] = {}

    def taken(image: Any) -> dict[str, str]:  # noqa: ANN401 - mammoth has no types
        name = f"word-picture:{len(inside) + 1}"
        try:
            with image.open() as stream:
                inside[name] = stream.read()
        except (KeyError, ValueError):  # outside of the document, or missing in it
            return {"src": "word-picture:elsewhere"}
        return {"src": name}

    try:
        made = mammoth.convert_to_html(
            io.BytesIO(data),
            style_map=_STYLES,
            include_embedded_style_map=False,
            convert_image=mammoth.images.img_element(taken),
            id_prefix=_PREFIX,
            external_file_access=False,
        )
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:  # a damaged part makes mammoth raise whatever it meets
        raise DraftError(
            f"{shown} cannot be read as a Word document ({type(error).__name__}: {error}). Open "
            "it in Word, let Word mend it, and save it anew."
        ) from error
    for message in made.messages:
        style = re.match(r"Unrecognised paragraph style: '?([^']+)'?", message.message)
        if style and style[1] not in ("List Paragraph", "Normal (Web)", "No Spacing"):
            notes.add(
                "draft-style",
                f"paragraphs in a style of their own, {style[1]}, taken as plain text",
                "If they are headings, give them Heading 1 to 6 in Word and import again.",
            )
    return str(made.value), inside


def _footnotes(root: Element, words: WordsReader) -> dict[str, list[Run]]:
    """The words of footnotes by their ids; they are taken out of the end of the page."""
    found: dict[str, list[Run]] = {}
    for item in list(root.iter("li")):
        name = str(item.get("id") or "")
        if not _NOTE_ID.fullmatch(name):
            continue
        for back in list(item.iter("a")):
            if str(back.get("href") or "").startswith(f"#{_PREFIX}"):
                back.text = ""
        found[name] = list(in_one_line(words.runs(item, Run(""))))
        _strip_ends(found[name])
        parent = item.getparent()
        if parent is not None:
            parent.remove(item)
    if found:
        number = len(found)
        words.notes.add(
            "draft-footnote",
            f"{'a footnote' if number == 1 else f'{number} footnotes'}, put in brackets where "
            f"{'its mark' if number == 1 else 'their marks'} stood",
            "A mail has no foot of a page. Shorten them, or work them into the text.",
        )
    return found


def _strip_ends(runs: list[Run]) -> None:
    """Take gaps off the ends of a note, which gets brackets."""
    while runs and not runs[0].text.strip():
        runs.pop(0)
    while runs and not runs[-1].text.strip():
        runs.pop()
    if runs:
        runs[0] = replace(runs[0], text=runs[0].text.lstrip())
        runs[-1] = replace(runs[-1], text=runs[-1].text.rstrip())


def _title(root: Element) -> str:
    """The document's title by its style, taken out of the text."""
    for heading in root.iter("h1"):
        if str(heading.get("class")) == "title":
            words = " ".join(all_text(heading).split())
            parent = heading.getparent()
            if parent is not None and parent.index(heading) == 0 and words:
                parent.remove(heading)
                return words
    return ""


def _captions(root: Element) -> None:
    """Put captions where they belong: into the table or the figure beside them."""
    for caption in [each for each in root.iter("p") if str(each.get("class")) == "caption"]:
        parent = caption.getparent()
        before, after = caption.getprevious(), caption.getnext()
        if parent is None:
            continue
        if after is not None and str(after.tag) == "table":
            _into(caption, after)
        elif before is not None and str(before.tag) == "table":
            _into(caption, before)
        elif before is not None and before.find(".//img") is not None:
            holder = etree.Element("figure")
            parent.replace(before, holder)
            holder.append(before)
            caption.tag = "figcaption"
            holder.append(caption)


def _into(caption: Element, table: Element) -> None:
    if table.find("caption") is None:
        caption.tag = "caption"
        table.insert(0, caption)


def _note(package: WordPackage, notes: Notes) -> None:
    """Remarks on what a Word document holds besides its text."""
    counts = package.counts
    changes = sum(counts[name] for name in ("w:ins", "w:del", "w:moveFrom", "w:moveTo"))
    lone = (
        (changes, "draft-changes", "a tracked change, taken as accepted",
         "tracked changes, taken as accepted",
         "What was deleted is gone, and what was added is here. Look it over."),
        (package.comments, "draft-comments", "a comment, left out", "comments, left out",
         "Settle them before the issue goes out."),
        (counts["w:txbxContent"], "draft-text-box", "a text box, put into the text",
         "text boxes, put into the text", "Look where their words stand now."),
        (counts["w:object"] + counts["c:chart"] + counts["dgm:relIds"], "draft-object",
         "a chart or another object, left out", "charts and other objects, left out",
         "Save each as a picture (PNG), and show it with `::: figure`."),
        (counts["m:oMath"], "draft-formula", "a formula, left out", "formulas, left out",
         "Say it in words."),
    )  # fmt: skip
    for number, rule, one, many, mend in lone:
        notes.count(rule, [1] * number, one, many, mend)
    if package.macros:
        notes.add("draft-macros", "macros, left out", "None was run.")
    if package.margins:
        notes.add(
            "draft-margins",
            "words at the top or the foot of every page, left out",
            "The mail has a masthead and a foot of its own.",
        )
    if package.contents:
        notes.add(
            "draft-contents", "a table of contents, left out", "Each mail gets one by itself."
        )
