"""HTML becomes the blocks of a draft. Nothing is fetched, and nothing in it is run."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lxml import etree

from newsletter_mailer.drafting.draft import UNPLACED, DraftBlock, Kept, Picture
from newsletter_mailer.drafting.elements import Element, all_text, line_of
from newsletter_mailer.drafting.hypertext_words import (
    INLINE,
    SHOWN,
    SILENT,
    WordsReader,
    text_runs,
)
from newsletter_mailer.drafting.runs import BREAK, Run, content_of, in_one_line, tidy
from newsletter_mailer.drafting.tables import Grid, data_table, grid_of
from newsletter_mailer.reading.document import (
    Block,
    Blocks,
    Callout,
    CodeBlock,
    Heading,
    Inlines,
    ListBlock,
    Paragraph,
    Quotation,
    Quote,
    Rule,
    Strong,
    Text,
)
from newsletter_mailer.reading.inline import plain_text

DEEPEST = 6
"""Lists and quotes in each other; what lies deeper moves up to this level."""

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_WHO = re.compile(r"^\s*(?:--?|[–—―])\s*(?=\S)")
_LONGEST_WHO = 120


@dataclass(slots=True)
class HypertextReader:
    """Turns a page's elements into blocks.

    `kept` holds what `<pre data-kept="n">` stands for. With `boxes` a table of one cell is
    a callout, as word processors draw one.
    """

    words: WordsReader
    kept: Sequence[str] = ()
    boxes: bool = False
    _depth: int = 0

    def read(self, root: Element) -> tuple[DraftBlock, ...]:
        """The blocks of a page."""
        body = root.find("body")
        blocks = tuple(self._blocks(root if body is None else body, Run("")))
        self.words.count()
        return blocks

    def _blocks(self, element: Element, look: Run) -> Iterator[DraftBlock]:
        """The blocks inside an element, whose words stand in `look`."""
        look = self.words.look(element, look)
        words: list[Run] = list(text_runs(element.text, look))
        for child in element:
            if str(child.tag) in INLINE and not _holds_blocks(child):
                words.extend(self.words.inline(child, look))
            elif not self.words.is_left_out(child):
                yield from self._flushed(words)
                words = []
                yield from self._block(child, look)
                if not self._depth:
                    yield from self._shown()
            words.extend(text_runs(child.tail, look))
        yield from self._flushed(words)

    def _flushed(self, words: Sequence[Run]) -> Iterator[DraftBlock]:
        """Loose words as paragraphs; two line ends in a row part two of them."""
        part: list[Run] = []
        breaks = 0
        for run in [*words, Run(BREAK), Run(BREAK)]:
            if run.is_break:
                breaks += 1
            elif run.text.strip():
                breaks = 0
            part.append(run)
            if breaks > 1:
                if content := content_of(part):
                    yield Paragraph(content, place=UNPLACED)
                part = []
        if not self._depth:
            yield from self._shown()

    def _shown(self) -> Iterator[DraftBlock]:
        """The pictures that the words before held: a picture stands between blocks."""
        yield from self.words.waiting
        self.words.waiting.clear()

    def _block(self, element: Element, look: Run) -> Iterator[DraftBlock]:
        tag = str(element.tag)
        if tag in _HEADINGS:
            yield from self._heading(element, look)
        elif tag in ("ul", "ol", "menu", "dir"):
            yield from self._list(element, look)
        elif tag == "blockquote":
            yield from self._quote(element, look)
        elif tag == "pre":
            yield from self._pre(element)
        elif tag == "hr":
            yield Rule(place=UNPLACED)
        elif tag == "table":
            yield from self._table(element, look)
        elif tag == "figure":
            yield from self._figure(element, look)
        elif tag == "dt":
            yield from self._paragraph(self.words.runs(element, replace(look, strong=True)))
        else:
            yield from self._blocks(element, look)

    def _paragraph(self, runs: Iterator[Run]) -> Iterator[DraftBlock]:
        if content := content_of(runs):
            yield Paragraph(content, place=UNPLACED)

    def _heading(self, element: Element, look: Run) -> Iterator[DraftBlock]:
        look = replace(look, strong=False, emphasis=False)
        words = in_one_line(self.words.runs(element, look))
        runs = [replace(run, strong=False) for run in words]
        if self._depth:  # a heading inside a list or a quote heads nothing in an article
            yield from self._paragraph(replace(run, strong=True) for run in tidy(runs))
        elif content := content_of(runs):
            yield Heading(_HEADINGS[str(element.tag)], content, place=UNPLACED)

    def _plain(self, element: Element, look: Run) -> Blocks:
        """The blocks of an item or a quote, which holds plain ones only."""
        self._depth += 1
        inner = [block for block in self._blocks(element, look) if not isinstance(block, Kept)]
        self._depth -= 1
        return tuple(_plain(inner))

    def _list(self, element: Element, look: Run) -> Iterator[DraftBlock]:
        items: list[Blocks] = []
        for child in element:
            if str(child.tag) in ("ul", "ol") and items:  # as some write a nested list
                self._depth += 1
                items[-1] += tuple(_plain(self._list(child, look)))
                self._depth -= 1
            elif not self.words.is_left_out(child):
                item = self._plain(child, look)
                if item:
                    items.append(item)
        if not items:
            return
        if self._depth >= DEEPEST:
            self.words.too_deep(element)
            for item in items:
                yield from item
            return
        start = _start(element) if str(element.tag) == "ol" else None
        yield ListBlock(start, tuple(items), place=UNPLACED)

    def _quote(self, element: Element, look: Run) -> Iterator[DraftBlock]:
        blocks = self._plain(element, replace(look, emphasis=False))
        if not blocks:
            return
        if self._depth >= DEEPEST:
            yield from blocks
            return
        quoted = not self._depth and all(
            isinstance(block, Paragraph | ListBlock | Quotation) for block in blocks
        )
        said = _with_attribution(blocks) if quoted else None
        if said:
            yield Quote(*said, place=UNPLACED)
        else:
            yield Quotation(blocks, place=UNPLACED)

    def _pre(self, element: Element) -> Iterator[DraftBlock]:
        number = str(element.get("data-kept") or "")
        if number.isdecimal() and int(number) < len(self.kept):
            yield Kept(self.kept[int(number)])
            return
        lines = all_text(element).split("\n")
        text = "\n".join(re.sub(r"[^\S ]|[\x00-\x1f\x7f-\x9f]", " ", line) for line in lines)
        if text.strip():
            yield CodeBlock(text.strip("\n"), place=UNPLACED)

    def _figure(self, element: Element, look: Run) -> Iterator[DraftBlock]:
        caption: Inlines = ()
        for part in element.iter("figcaption"):
            caption = content_of(in_one_line(self.words.runs(part, look)))
        rest = [child for child in element if str(child.tag) != "figcaption"]
        holder = etree.Element("div")
        holder.text = element.text
        holder.extend(rest)
        before = len(self.words.waiting)
        inner = list(self._blocks(holder, look))
        held = [*self.words.waiting[before:], *inner]
        shown = [block for block in held if isinstance(block, Picture)]
        del self.words.waiting[before:]
        if shown:
            last = shown[-1]
            shown[-1] = replace(last, caption=caption)
            placed = [block for block in inner if not isinstance(block, Picture)]
            if self._depth:
                self.words.waiting.extend(shown)
                yield from placed
            else:
                yield from (*placed, *shown)
            return
        yield from inner
        if caption:
            yield Paragraph(caption, place=UNPLACED)

    def _table(self, element: Element, look: Run) -> Iterator[DraftBlock]:
        grid = grid_of(element)
        if self.boxes and len(grid.rows) == 1 and len(grid.rows[0]) == 1 and not self._depth:
            yield from self._box(grid, look)
        elif grid.is_data:
            plain = bool(self._depth)
            table = data_table(grid, lambda cell: self.words.runs(cell, look), plain=plain)
            for rule, found, mend in table.notes:
                self.words.notes.add(rule, found, mend, line_of(element))
            if table.block:
                yield table.block
        else:
            for row in grid.rows:
                for cell in row:
                    yield from self._blocks(cell.element, look)

    def _box(self, grid: Grid, look: Run) -> Iterator[DraftBlock]:
        """A table of one cell: a callout, where it holds what one may."""
        inner = list(self._blocks(grid.rows[0][0].element, look))
        boxed = [block for block in inner if isinstance(block, Paragraph | ListBlock | Quotation)]
        if not boxed or len(boxed) < len(inner):
            yield from inner
            return
        title: Inlines = ()
        if len(boxed) > 1 and isinstance(boxed[0], Paragraph) and _is_title(boxed[0]):
            title = (Text(plain_text(boxed[0].content)),)
            boxed = boxed[1:]
        yield Callout(title, tuple(boxed), place=UNPLACED)


def _with_attribution(blocks: Blocks) -> tuple[Blocks, Inlines] | None:
    """What is said in a quote, and by whom as its last line tells; None where it does not."""
    last = blocks[-1]
    if not isinstance(last, Paragraph) or not isinstance(last.content[0], Text):
        return None
    dash = _WHO.match(last.content[0].text)
    words = plain_text(last.content)
    if dash is None or len(blocks) == 1 or len(words) > _LONGEST_WHO:
        return None
    rest = last.content[0].text[dash.end() :]
    return blocks[:-1], ((Text(rest),) if rest else ()) + last.content[1:]


def _holds_blocks(element: Element) -> bool:
    flat = INLINE | SILENT | SHOWN
    return any(str(inner.tag) not in flat for inner in element.iterdescendants())


def _start(element: Element) -> int:
    start = str(element.get("start") or "1")
    return int(start) if start.isdecimal() and len(start) < 9 else 1  # noqa: PLR2004 - CommonMark's most digits


def _plain(blocks: Sequence[DraftBlock] | Iterator[DraftBlock]) -> Iterator[Block]:
    for block in blocks:
        if isinstance(block, Paragraph | ListBlock | Quotation | CodeBlock):
            yield block
        elif isinstance(block, Quote | Callout):
            yield from block.blocks
        elif not isinstance(block, Picture | Kept | Rule | Heading):
            yield block


def _is_title(paragraph: Paragraph) -> bool:
    """Whether a paragraph is bold from end to end and short: a title in all but name."""
    bold = len(paragraph.content) == 1 and isinstance(paragraph.content[0], Strong)
    return bold and len(plain_text(paragraph.content)) <= _LONGEST_WHO
