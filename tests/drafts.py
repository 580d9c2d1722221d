"""Drafts as editors have them: a Word document, a web page and a Markdown text."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docx
from docx.document import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.text.paragraph import Paragraph

TEXTS = Path(__file__).parent / "fixtures" / "drafts"
"""The text of two whole newsletters, as a PDF gives it, with its faults and invented names."""

_MARKS = re.compile(r"(\*[^*]+\*|<https?:[^<>\s]+>|\[[^\[\]]+\]\([^()]*\))")
_KINDS = (
    ("h1", re.compile(r"# ")),
    ("h2", re.compile(r"## ")),
    ("row", re.compile(r"\| ")),
    ("inner", re.compile(r"  - ")),
    ("bullet", re.compile(r"- ")),
    ("number", re.compile(r"\d+\. ")),
)


@dataclass(frozen=True)
class Part:
    """A paragraph of a text: what it is, and its words, on one line."""

    kind: str
    text: str


def parts(number: int) -> Iterator[Part]:
    """The paragraphs of a newsletter's text; the lines of each are joined by spaces."""
    text = (TEXTS / f"seed-{number:02}.txt").read_text(encoding="utf-8")
    for paragraph in text.strip().split("\n\n"):
        for line in paragraph.split("\n") if paragraph.startswith("|") else [paragraph]:
            words = " ".join(line.split("\n"))
            for kind, mark in _KINDS:
                if found := mark.match(words):
                    yield Part(kind, words[found.end() :].removesuffix(" |"))
                    break
            else:
                yield Part("text", words)


def spans(text: str) -> Iterator[tuple[str, str, str]]:
    """Words, whether they are `plain`, `italic` or a `link`, and a link's target."""
    for piece in _MARKS.split(text):
        if piece.startswith("*"):
            yield piece.strip("*"), "italic", ""
        elif piece.startswith("<"):
            yield piece[1:-1], "link", piece[1:-1]
        elif piece.startswith("["):
            words, _, target = piece[1:-1].partition("](")
            yield words, "link", target
        elif piece:
            yield piece, "plain", ""


def write_word(number: int, path: Path) -> Path:
    """A newsletter's text as a Word document, with Word's own styles."""
    document = docx.Document()
    styles = {
        "h1": "Heading 1",
        "h2": "Heading 2",
        "bullet": "List Bullet",
        "inner": "List Bullet 2",
        "number": "List Number",
        "text": "Normal",
    }
    rows: list[list[str]] = []
    for part in [*parts(number), Part("text", "")]:
        if part.kind == "row":
            rows.append(part.text.split(" | "))
            continue
        if rows:
            _add_table(document, rows)
            rows = []
        if part.text:
            _add_words(document.add_paragraph(style=styles[part.kind]), part.text)
    document.save(str(path))
    return path


def write_page(number: int, path: Path) -> Path:
    """A newsletter's text as a web page."""
    tags = {"h1": "h1", "h2": "h2", "text": "p", "bullet": "ul", "inner": "ul", "number": "ol"}
    lines = ["<!DOCTYPE html>", '<html lang="en-GB"><head><title>News</title></head><body>']
    for part in parts(number):
        words = "".join(_as_html(*span) for span in spans(part.text))
        if part.kind == "row":
            cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in part.text.split(" | "))
            lines.append(f"<tr>{cells}</tr>")
        elif tags[part.kind] in ("ul", "ol"):
            lines.append(f"<{tags[part.kind]}><li>{words}</li></{tags[part.kind]}>")
        else:
            lines.append(f"<{tags[part.kind]}>{words}</{tags[part.kind]}>")
    text = "\n".join([*lines, "</body></html>"])
    text = re.sub(r"</(ul|ol)>\n<\1>", "", text)
    text = re.sub(r"((?:<tr>.*</tr>\n)+)", r"<table>\1</table>", text)
    path.write_text(text, encoding="utf-8")
    return path


def write_marked_down(number: int, path: Path) -> Path:
    """A newsletter's text as Markdown."""
    signs = {"h1": "# ", "h2": "## ", "text": "", "bullet": "- ", "inner": "  - ", "number": "1. "}
    lines: list[str] = []
    before = ""
    for part in parts(number):
        if part.kind == "row":
            if before != "row":
                cells = part.text.split(" | ")
                lines += ["", f"| {' | '.join(cells)} |", "|" + "---|" * len(cells)]
            else:
                lines.append(f"| {part.text} |")
        else:
            in_list = part.kind in ("bullet", "inner", "number")
            lines += [] if in_list and before in ("bullet", "inner", "number") else [""]
            lines.append(signs[part.kind] + part.text)
        before = part.kind
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def add_link(paragraph: Paragraph, words: str, target: str) -> None:
    """A hyperlink at the end of a paragraph; to a bookmark where the target begins with #."""
    link = OxmlElement("w:hyperlink")
    if target.startswith("#"):
        link.set(qn("w:anchor"), target[1:] or "top")
    else:
        relation = paragraph.part.relate_to(target, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
        link.set(qn("r:id"), relation)
    run = OxmlElement("w:r")
    text = OxmlElement("w:t")
    text.text = words
    text.set(qn("xml:space"), "preserve")
    run.append(text)
    link.append(run)
    paragraph._p.append(link)  # noqa: SLF001 - python-docx adds no links itself


def _add_words(paragraph: Paragraph, text: str) -> None:
    for words, look, target in spans(text):
        if look == "link":
            add_link(paragraph, words, target)
        else:
            paragraph.add_run(words).italic = look == "italic" or None


def _add_table(document: Document, rows: list[list[str]]) -> None:
    table = document.add_table(len(rows), len(rows[0]))
    for row, cells in zip(table.rows, rows, strict=True):
        for cell, words in zip(row.cells, cells, strict=True):
            cell.text = words


def _as_html(words: str, look: str, target: str) -> str:
    words = html.escape(words)
    if look == "link":
        return f'<a href="{html.escape(target)}">{words}</a>'
    return f"<em>{words}</em>" if look == "italic" else words
