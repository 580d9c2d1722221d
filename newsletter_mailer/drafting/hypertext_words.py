"""The words of HTML: how they look, where they link to, and what is no part of the text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from newsletter_mailer.drafting.draft import Notes, Picture
from newsletter_mailer.drafting.elements import Element, all_text, line_of
from newsletter_mailer.drafting.pictures import Pictures
from newsletter_mailer.drafting.runs import BREAK, Run, cleaned
from newsletter_mailer.findings import brief

_STRONG = frozenset({"b", "strong"})
_EMPHASIS = frozenset({"cite", "dfn", "em", "i", "var"})
_CODE = frozenset({"code", "kbd", "samp", "tt"})
INLINE = (
    _STRONG | _EMPHASIS | _CODE
    | {
        "a", "abbr", "acronym", "bdi", "bdo", "big", "br", "data", "font", "img", "ins", "label",
        "mark", "nobr", "q", "rp", "rt", "ruby", "small", "span", "sub", "sup", "time", "u", "wbr",
    }
)  # fmt: skip
SILENT = frozenset({"area", "base", "col", "colgroup", "head", "link", "map", "meta", "param",
                     "script", "style", "template", "title"})  # fmt: skip
SHOWN = frozenset({"applet", "audio", "button", "canvas", "embed", "form", "iframe", "input",
                    "math", "meter", "object", "progress", "select", "svg", "textarea",
                    "video"})  # fmt: skip
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.I)
_BOLD_STYLE = re.compile(r"font-weight\s*:\s*(?:bold|[6-9]00)", re.I)
_ITALIC_STYLE = re.compile(r"font-style\s*:\s*italic", re.I)
_NOT_BOLD = re.compile(r"font-weight\s*:\s*(?:normal|[1-5]00)", re.I)
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_RUNS = frozenset({"javascript", "vbscript", "data", "livescript", "mocha"})


@dataclass(slots=True)
class WordsReader:
    """Reads words, and notes what it leaves out.

    `notes_of` holds the words of footnotes by their ids, which take the place of their
    marks. A picture among words is put into `waiting`: it stands between blocks.
    """

    pictures: Pictures
    notes: Notes
    notes_of: dict[str, list[Run]] = field(default_factory=dict)
    waiting: list[Picture] = field(default_factory=list)
    _lines: dict[str, list[int]] = field(default_factory=dict)

    def runs(self, element: Element, look: Run) -> Iterator[Run]:
        """The words of an element and all inside it, in one line; pictures wait."""
        look = self.look(element, look)
        yield from text_runs(element.text, look)
        for child in element:
            yield from self.inline(child, look)
            yield from text_runs(child.tail, look)

    def inline(self, child: Element, look: Run) -> Iterator[Run]:
        """The words of one element among others, as far as they are a part of the text."""
        tag = str(child.tag)
        if tag == "br":
            yield Run(BREAK)
        elif tag == "img":
            self._picture(child)
        elif self.is_left_out(child):
            return
        elif (note := self._footnote(child)) is not None:
            yield from note
        elif tag in ("sup", "sub"):
            table = _SUPERSCRIPT if tag == "sup" else _SUBSCRIPT
            for run in self.runs(child, look):
                digits = run.text.strip().isascii() and run.text.strip().isdigit()
                yield replace(run, text=run.text.translate(table)) if digits else run
        else:
            apart = tag not in INLINE
            if apart:
                yield Run(" ")
            yield from self.runs(child, look)
            if apart:
                yield Run(" ")

    def _footnote(self, child: Element) -> list[Run] | None:
        """The words of the note to which a mark leads, in brackets; None for no such mark."""
        anchor = child if child.tag == "a" else child.find("a") if child.tag == "sup" else None
        target = "" if anchor is None else str(anchor.get("href") or "")
        note = self.notes_of.get(target.removeprefix("#")) if target.startswith("#") else None
        return None if note is None else [Run(" ("), *note, Run(")")]

    def look(self, element: Element, look: Run) -> Run:
        """How words inside an element look, where `look` is that of those around it."""
        tag, style = str(element.tag), str(element.get("style") or "")
        if (tag in _STRONG and not _NOT_BOLD.search(style)) or _BOLD_STYLE.search(style):
            look = replace(look, strong=True)
        if tag in _EMPHASIS or _ITALIC_STYLE.search(style):
            look = replace(look, emphasis=True)
        if tag in _CODE:
            look = replace(look, code=True)
        if tag == "a" and element.get("href") is not None:
            look = replace(look, link=self._target(element))
        return look

    def _target(self, element: Element) -> str | None:
        """A link's target as it is written; None, with a note, where it can be none."""
        target = str(element.get("href") or "").strip()
        bare = re.sub(r"[\x00-\x20\x7f-\xa0\u200b]+", "", target)
        scheme = _SCHEME.match(bare)
        if not bare or bare.startswith("#"):
            self._lines.setdefault("inner", []).append(line_of(element))
            return None
        if scheme and scheme[1].lower() in _RUNS:
            words = brief(all_text(element), 40)
            self.notes.add(
                "draft-link",
                f"a link left out: {words!r} runs a script or carries data ({scheme[1].lower()}:)",
                "Its words are kept. Link a page in their place, if there is one.",
                line_of(element),
            )
            return None
        return target

    def is_left_out(self, element: Element) -> bool:
        """Whether an element is no part of the text; readers of the report hear of it."""
        tag = str(element.tag)
        if tag in SILENT:
            if tag == "script":
                self._lines.setdefault("script", []).append(line_of(element))
            return True
        if tag in SHOWN and tag != "form":
            self._lines.setdefault("shown", []).append(line_of(element))
            return True
        if tag in ("del", "s", "strike"):
            self._lines.setdefault("struck", []).append(line_of(element))
            return True
        style = str(element.get("style") or "")
        if element.get("hidden") is not None or _HIDDEN_STYLE.search(style):
            if all_text(element).strip():
                self._lines.setdefault("hidden", []).append(line_of(element))
            return True
        return False

    def _picture(self, element: Element) -> None:
        if {str(element.get("width")), str(element.get("height"))} & {"0", "1"}:
            self._lines.setdefault("pixel", []).append(line_of(element))
            return
        source, alt = str(element.get("src") or ""), str(element.get("alt") or "")
        picture = self.pictures.take(source, alt, line_of(element))
        if picture:
            self.waiting.append(picture)

    def count(self) -> None:
        """Remarks on what the page held besides its text."""
        lines, count = self._lines, self.notes.count
        count("draft-script", lines.get("script", ()), "a script left out", "scripts left out",
              "A mail runs none.")  # fmt: skip
        count("draft-part", lines.get("shown", ()),
              "a drawing, form, film or other part that a mail cannot show, left out",
              "drawings, forms, films or other parts that a mail cannot show, left out",
              "Link the page where readers find them.")  # fmt: skip
        count("draft-struck", lines.get("struck", ()), "words that were struck through, left out",
              "places with words that were struck through, left out", "")  # fmt: skip
        count("draft-hidden", lines.get("hidden", ()), "hidden words, left out",
              "places with hidden words, left out", "")  # fmt: skip
        count("draft-pixel", lines.get("pixel", ()), "a picture of one pixel, left out",
              "pictures of one pixel, left out", "")  # fmt: skip
        count("draft-deep", lines.get("deep", ()), "a list nested too deep, put a level higher",
              "lists nested too deep, put a level higher", "Look it over.")  # fmt: skip
        count("draft-inner-link", lines.get("inner", ()),
              "a link to another place in the draft, left out",
              "links to other places in the draft, left out",
              "Their words are kept.")  # fmt: skip

    def too_deep(self, element: Element) -> None:
        """Remember a list that is nested too deep."""
        self._lines.setdefault("deep", []).append(line_of(element))


def text_runs(text: object, look: Run) -> Iterator[Run]:
    """A text node as a run; nothing where there is none."""
    if text:
        words = cleaned(str(text))
        if words:
            yield replace(look, text=words)
