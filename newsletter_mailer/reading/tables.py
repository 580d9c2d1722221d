"""The kinds of `:::` blocks whose body is one table: table, key-figures."""

import re

from newsletter_mailer.reading.block_reader import BlockReader, Directive
from newsletter_mailer.reading.document import Block, KeyFigure, KeyFigures, Table
from newsletter_mailer.reading.inline import plain_text


def read_table(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: table Caption`: a table whose first column heads its row."""
    table = _table(directive, reader)
    caption = reader.words(directive.argument, directive.place)
    if table is None:
        return None
    return Table(table.head, table.rows, caption, row_headings=True, place=directive.place)


def read_key_figures(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: key-figures Title`: a table; the last column is now, the one before it earlier."""
    table = _table(directive, reader)
    title = reader.words(directive.argument, directive.place)
    if table is None:
        return None
    columns = len(table.head)
    if columns not in (2, 3):
        reader.report(
            table.place,
            "key-figures-columns",
            f"{columns} columns" if columns > 1 else "one column",
            "two or three: what it is, what it was, what it is now",
            "Take columns out." if columns > 1 else "Add the figures.",
        )
        return None
    compared = columns == 3  # noqa: PLR2004 - label, before, now
    figures = []
    for number, row in enumerate(table.rows, start=table.place.line + 2):
        values = [plain_text(cell).strip() for cell in row]
        if not values[0] or not values[-1]:
            reader.report(
                reader.source.at(number),
                "key-figure-empty",
                "a row without a name or without its last figure",
                "both",
                "Fill the row, or take it out.",
            )
        before = values[1] if compared else ""
        figures.append(KeyFigure(row[0], values[-1], before, change_between(before, values[-1])))
    head = [plain_text(cell).strip() for cell in table.head]
    before_label = head[1] if compared else ""
    return KeyFigures(title, head[-1], before_label, tuple(figures), place=directive.place)


def change_between(before: str, now: str) -> str:
    """The change in words, such as `up 47%`; empty where either is not a number."""
    old, new = _number(before), _number(now)
    if old is None or new is None or old == 0:
        return ""
    if old == new:
        return "no change"
    word = "up" if new > old else "down"
    if before.rstrip().endswith("%") and now.rstrip().endswith("%"):
        points = abs(new - old)
        return f"{word} {points:g} {'point' if points == 1 else 'points'}"
    percent = abs(new - old) / abs(old) * 100
    return f"{word} {percent:,.0f}%" if percent >= 1 else f"{word} less than 1%"


def _number(text: str) -> float | None:
    match = re.fullmatch(r"£?(-?[0-9][0-9,]{0,20}(?:\.[0-9]{1,9})?)\s*%?", text.strip())
    return float(match[1].replace(",", "")) if match else None


def _table(directive: Directive, reader: BlockReader) -> Table | None:
    blocks = reader.blocks(directive.tokens)
    if len(blocks) == 1 and isinstance(blocks[0], Table) and blocks[0].rows:
        return blocks[0]
    reader.report(
        directive.place,
        "not-a-table",
        f"`::: {directive.name}` whose body is not one table with rows",
        "`| heading | heading |` lines",
        "Write a heading row, a row of dashes, and the rows.",
    )
    return None
