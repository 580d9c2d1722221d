"""The tree's text as HTML: paragraphs, headings, lists, tables. Boxes have templates."""

from collections.abc import Iterable

from markupsafe import Markup

from newsletter_mailer.compiling.markup import attribute, text
from newsletter_mailer.reading.document import (
    Block,
    Blocks,
    Code,
    CodeBlock,
    Emphasis,
    Heading,
    Inline,
    Inlines,
    LineBreak,
    Link,
    ListBlock,
    MergeField,
    Paragraph,
    Quotation,
    Rule,
    Strong,
    Table,
    Text,
)

RICH = (Paragraph, Heading, ListBlock, Quotation, CodeBlock, Rule, Table)
"""The blocks that this module writes."""

_RAISED = 1
"""An article's `##` stands below its title, which is the mail's second level."""

_LOWEST = 6
"""HTML has six levels of headings."""

_FITS_A_PHONE = 2
"""Columns of prose that are still readable beside each other at 375 px."""


def inline_html(content: Inlines) -> Markup:
    """Inline content as HTML."""
    return Markup(_inlines(content))  # noqa: S704 - escaped below


def blocks_html(blocks: Blocks) -> Markup:
    """Rich-text blocks as HTML."""
    return Markup(_blocks(blocks))  # noqa: S704 - escaped below


def heading_html(level: int, content: Inlines) -> Markup:
    """A heading; `level` from 1 to 6 in the mail."""
    return Markup(_heading(level, content))  # noqa: S704 - escaped below


def _inlines(content: Inlines) -> str:
    return "".join(map(_inline, content))


def _inline(inline: Inline) -> str:
    match inline:
        case Text(words):
            return text(words)
        case MergeField(name):
            return f"{{{{{name}}}}}"
        case Strong(inner):
            return f"<strong>{_inlines(inner)}</strong>"
        case Emphasis(inner):
            return f"<em>{_inlines(inner)}</em>"
        case Code(words):
            return f"<code>{text(words)}</code>"
        case LineBreak():
            return "<br />"
        case Link():
            return f'<a href="{attribute(inline.target)}">{_inlines(inline.content)}</a>'


def _blocks(blocks: Iterable[Block]) -> str:
    return "".join(map(_block, blocks))


def _block(block: Block) -> str:
    match block:
        case Paragraph():
            return f"<p>{_inlines(block.content)}</p>"
        case Heading():
            return _heading(block.level + _RAISED, block.content)
        case ListBlock():
            return _list(block)
        case Quotation():
            return f"<blockquote>{_blocks(block.blocks)}</blockquote>"
        case CodeBlock():
            lines = (text(line.replace(" ", "\u00a0")) for line in block.text.split("\n"))
            return f'<p class="code">{"<br />".join(lines)}</p>'
        case Rule():
            return "<hr />"
        case Table():
            return _table(block)
        case _:
            message = f"{type(block).__name__} is not rich text"
            raise TypeError(message)


def _heading(level: int, content: Inlines) -> str:
    level = min(level, _LOWEST)
    return f"<h{level}>{_inlines(content)}</h{level}>"


def _list(block: ListBlock) -> str:
    items = "".join(f"<li>{_item(item)}</li>" for item in block.items)
    if block.start is None:
        return f"<ul>{items}</ul>"
    start = "" if block.start == 1 else f' start="{block.start}"'
    return f"<ol{start}>{items}</ol>"


def _item(blocks: Blocks) -> str:
    """An item; a paragraph that begins it needs no element of its own."""
    if blocks and isinstance(blocks[0], Paragraph):
        return _inlines(blocks[0].content) + _blocks(blocks[1:])
    return _blocks(blocks)


def _table(table: Table) -> str:
    """A data table, with its headings marked as such for screen readers."""
    caption = f"<caption>{_inlines(table.caption)}</caption>" if table.caption else ""
    head = "".join(f'<th scope="col">{_inlines(cell)}</th>' for cell in table.head)
    labels = table.head if table.row_headings and len(table.head) > _FITS_A_PHONE else ()
    rows = "".join(_row(row, labels, headed=table.row_headings) for row in table.rows)
    look = "data stacks" if labels else "data"
    return (
        f'<table class="{look}" cellspacing="0">{caption}'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(cells: tuple[Inlines, ...], labels: tuple[Inlines, ...], *, headed: bool) -> str:
    """A row. `labels` are shown in the cells where a phone stacks them, and hidden elsewhere."""
    parts = []
    for at, cell in enumerate(cells):
        if headed and at == 0:
            parts.append(f'<th scope="row">{_inlines(cell)}</th>')
            continue
        named = labels and cell
        label = f'<span class="label">{_inlines(labels[at])}</span>' if named else ""
        parts.append(f"<td>{label}{_inlines(cell)}</td>")
    return f"<tr>{''.join(parts)}</tr>"
