"""Blocks of a draft as the Markdown of an article."""

import re
from collections.abc import Iterable, Sequence

from newsletter_mailer.drafting.draft import DraftBlock, Kept, Picture
from newsletter_mailer.drafting.words import words_markdown
from newsletter_mailer.reading.document import (
    Block,
    Callout,
    CodeBlock,
    Heading,
    Inlines,
    ListBlock,
    Paragraph,
    Quotation,
    Quote,
    Rule,
    Table,
)
from newsletter_mailer.reading.images import FOLDER
from newsletter_mailer.reading.inline import plain_text

_LONGEST_COLUMN = 40
"""Characters up to which a table's columns are lined up; prose in cells is not."""


def blocks_markdown(blocks: Iterable[DraftBlock]) -> str:
    """Blocks as Markdown, a blank line between two, without a line end after the last.

    Raises:
        TypeError: a block that no draft holds.
    """
    parts: list[str] = []
    marks: dict[str, int] = {}
    before: DraftBlock | None = None
    for block in blocks:
        # Two lists that follow each other would be read as one, but for their signs.
        alike = (
            isinstance(block, ListBlock)
            and isinstance(before, ListBlock)
            and (block.start is None) == (before.start is None)
        )
        mark = 1 - marks.get("list", 0) if alike else 0
        marks["list"] = mark
        parts.append(_block(block, mark))
        before = block
    return "\n\n".join(part for part in parts if part)


def _block(block: DraftBlock, mark: int) -> str:
    match block:
        case Paragraph(content):
            return words_markdown(content)
        case Heading(level, content):
            return f"{'#' * level} {_heading(content)}"
        case ListBlock():
            return _list(block, mark)
        case Quotation(inner):
            return _prefixed(blocks_markdown(inner), "> ", "> ")
        case CodeBlock(text):
            return _fenced(text)
        case Rule():
            return "---"
        case Table():
            return _table(block)
        case Quote(inner, attribution):
            who = re.sub(r"(?<=\s)--(?=\s)", "–", words_markdown(attribution, one_line=True))
            return f"::: quote\n{blocks_markdown(inner)}\n\n-- {who}\n:::"
        case Callout(title, inner):
            return f"{_opening('callout', title)}\n{blocks_markdown(inner)}\n:::"
        case Picture():
            return _picture(block)
        case Kept(text):
            return text
        case _:
            message = f"a draft holds no {type(block).__name__}"
            raise TypeError(message)


def _opening(kind: str, title: Inlines) -> str:
    return f"::: {kind} {words_markdown(title, one_line=True)}".rstrip()


def _heading(content: Inlines) -> str:
    words = words_markdown(content, one_line=True)
    return re.sub(r"(#+)$", r"\\\1", words)


def _list(block: ListBlock, mark: int) -> str:
    items: list[str] = []
    for at, item in enumerate(block.items):
        sign = "-*"[mark] if block.start is None else f"{block.start + at}{'.)'[mark]}"
        lines = _item(item)
        items.append(_prefixed(lines, f"{sign} ", " " * (len(sign) + 1)))
    gap = "\n\n" if any("\n\n" in item for item in items) else "\n"
    return gap.join(items)


def _item(blocks: Sequence[Block]) -> str:
    """What an item holds; a list right under its text, as people write it."""
    if (
        len(blocks) == 2  # noqa: PLR2004 - a text and the list below it
        and isinstance(blocks[0], Paragraph)
        and isinstance(blocks[1], ListBlock)
        and blocks[1].start in (None, 1)
    ):
        return f"{_block(blocks[0], 0)}\n{_block(blocks[1], 0)}"
    return blocks_markdown(blocks)


def _prefixed(text: str, first: str, rest: str) -> str:
    """Lines with a prefix; an empty line gets none of its spaces."""
    lines = text.split("\n")
    prefixed = [f"{first if at == 0 else rest}{line}" for at, line in enumerate(lines)]
    return "\n".join(line.rstrip() if not line.strip(" >") else line for line in prefixed)


def _fenced(text: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def _table(table: Table) -> str:
    rows = [[words_markdown(cell, cell=True) for cell in row] for row in (table.head, *table.rows)]
    widths = [
        min(max(3, *(len(row[at]) for row in rows)), _LONGEST_COLUMN)
        for at in range(len(table.head))
    ]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    text = "\n".join(lines)
    if not table.row_headings:
        return text
    return f"{_opening('table', table.caption)}\n{text}\n:::"


def _picture(picture: Picture) -> str:
    alt = re.sub(r"([\\\[\]`*_<&!])", r"\\\1", " ".join(picture.alt.split()))
    caption = (
        f"\n\n{words_markdown(picture.caption)}" if plain_text(picture.caption).strip() else ""
    )
    return f"::: figure\n![{alt}]({FOLDER}/{picture.name}){caption}\n:::"
