"""A page's tables: which hold data, and those as tables of an article."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from newsletter_mailer.drafting.draft import UNPLACED
from newsletter_mailer.drafting.elements import Element
from newsletter_mailer.drafting.runs import Run, content_of, in_one_line
from newsletter_mailer.reading.document import Inlines, Table

MOST_COLUMNS = 30
MOST_CELLS = 20_000
"""Cells of one table; a hostile page can ask for millions with a few signs."""

_MOST_LAYOUT = 600
"""Characters of a cell in the middle, above which a table lays out prose."""

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BLOCKS = frozenset({"p", "div", "li", "blockquote", "pre"})

Words = Callable[[Element], Iterator[Run]]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell, and how many columns and rows it takes."""

    element: Element
    columns: int
    rows: int
    heads: bool


@dataclass(frozen=True, slots=True)
class Grid:
    """A table's cells by rows, with the number of heading rows that it marks itself."""

    rows: tuple[tuple[Cell, ...], ...]
    heads: int
    layout: bool
    caption: Element | None

    @property
    def is_data(self) -> bool:
        """Whether it is a table of data, and none that puts text side by side."""
        width = max((sum(cell.columns for cell in row) for row in self.rows), default=0)
        if self.layout or len(self.rows) < 2 or not 2 <= width <= MOST_COLUMNS:  # noqa: PLR2004 - a table has two of each
            return False
        return width * len(self.rows) <= MOST_CELLS


@dataclass(frozen=True, slots=True)
class Made:
    """A table of an article, None where all its cells were empty, and remarks on it.

    A remark is its rule, what was found, and what to do.
    """

    block: Table | None
    notes: tuple[tuple[str, str, str], ...]


def grid_of(table: Element) -> Grid:
    """The cells of a table, without those of tables inside it."""
    rows: list[tuple[Cell, ...]] = []
    heads = 0
    for row in _rows(table):
        cells = tuple(_cell(cell) for cell in row if str(cell.tag) in ("td", "th"))
        if cells:
            parent = row.getparent()
            marked = parent is not None and str(parent.tag) == "thead"
            heads += heads == len(rows) and (marked or all(cell.heads for cell in cells))
            rows.append(cells)
    caption = table.find("caption")
    layout = str(table.get("role")) in ("presentation", "none") or _lays_out(rows)
    return Grid(tuple(rows), heads, layout, caption)


def data_table(grid: Grid, words: Words, *, plain: bool) -> Made:
    """A table of data as `::: table`, or as a plain one inside a list or a quote.

    The first row heads the columns. A cell over several columns stands in the first of
    them; one over several rows is repeated, since each row is read by itself.
    """
    notes: list[tuple[str, str, str]] = []
    rows = _filled(grid, words)
    rows = [row for row in rows if any(row)]
    kept = [at for at in range(len(rows[0])) if any(row[at] for row in rows)] if rows else []
    rows = [[row[at] for at in kept] for row in rows]
    if not rows or len(kept) < 2 or len(rows) < 2:  # noqa: PLR2004 - a table has two of each
        filled = sum(bool(cell) for row in rows for cell in row)
        found = f"a table without two columns and two rows of words, {filled} filled, left out"
        left_out = ("draft-table", found, "Write what it says as text.")
        return Made(None, (left_out,) if filled else ())
    if not grid.heads:
        notes.append(
            (
                "draft-table",
                "a table whose first row is taken for its headings",
                "Look it over: each heading says what stands below it.",
            )
        )
    if any(cell.columns > 1 or cell.rows > 1 for row in grid.rows for cell in row):
        notes.append(
            (
                "draft-table",
                "a table with cells that were joined, parted again",
                "Look it over: each row is read by itself.",
            )
        )
    if any(_parts(cell.element) > 1 for row in grid.rows for cell in row):
        notes.append(
            (
                "draft-table",
                "a table with lists or several paragraphs in a cell, put on one line",
                "Look it over, or write it as text with headings.",
            )
        )
    headed = not plain and all(row[0] for row in rows[1:])
    caption = () if grid.caption is None else _cell_words(grid.caption, words)
    table = Table(
        tuple(rows[0]),
        tuple(tuple(row) for row in rows[1:]),
        caption if headed else (),
        row_headings=headed,
        place=UNPLACED,
    )
    return Made(table, tuple(notes))


def _rows(table: Element) -> Iterator[Element]:
    for child in table:
        tag = str(child.tag)
        if tag == "tr":
            yield child
        elif tag in ("thead", "tbody", "tfoot"):
            yield from (row for row in child if str(row.tag) == "tr")


def _cell(cell: Element) -> Cell:
    return Cell(cell, _span(cell, "colspan"), _span(cell, "rowspan"), str(cell.tag) == "th")


def _span(cell: Element, name: str) -> int:
    value = str(cell.get(name) or "1").strip()
    return min(max(int(value), 1), 1_000) if value.isdecimal() and len(value) < 7 else 1  # noqa: PLR2004 - more is no table


def _lays_out(rows: list[tuple[Cell, ...]]) -> bool:
    """Whether a table only puts things side by side, as old pages and mails do."""
    lengths: list[int] = []
    for row in rows:
        for cell in row:
            if any(next(cell.element.iter(tag), None) is not None for tag in ("table", *_HEADINGS)):
                return True
            lengths.append(len("".join(str(text) for text in cell.element.itertext())))
    return bool(lengths) and sorted(lengths)[len(lengths) // 2] > _MOST_LAYOUT


def _filled(grid: Grid, words: Words) -> list[list[Inlines]]:
    """Every cell of every row, joined ones parted."""
    width = max(sum(cell.columns for cell in row) for row in grid.rows)
    below: dict[int, tuple[int, Inlines]] = {}
    filled: list[list[Inlines]] = []
    for cells in grid.rows:
        row: list[Inlines] = []
        waiting = list(cells)
        while len(row) < width:
            at = len(row)
            if at in below:
                left, content = below.pop(at)
                row.append(content)
                if left > 1:
                    below[at] = (left - 1, content)
                continue
            if not waiting:
                row.append(())
                continue
            cell = waiting.pop(0)
            content = _cell_words(cell.element, words)
            for column in range(min(cell.columns, width - at)):
                row.append(content if column == 0 else ())
                if cell.rows > 1:
                    below[at + column] = (cell.rows - 1, row[-1])
        filled.append(row)
    return filled


def _cell_words(element: Element, words: Words) -> Inlines:
    """A cell's words on one line; its parts stand one after the other."""
    return content_of(in_one_line(words(element)))


def _parts(element: Element) -> int:
    return sum(str(inner.tag) in _BLOCKS for inner in element.iterdescendants())
