"""The tree's text as HTML: paragraphs, headings, lists, tables. Boxes have templates."""

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


_FITS_A_PHONE = 2
"""Columns of prose that are still readable beside each other at 375 px."""


def inline_html(content: Inlines) -> Markup:
    """Inline content as HTML."""
    return Markup("").join(_inline(inline) for inline in content)


def _inline(inline: Inline) -> Markup:
    match inline:
        case Text(words):
            return text(words)
        case MergeField(name):
            return Markup("{{" + name + "}}")  # noqa: S704 - a name from a closed list
        case Strong(inner):
            return Markup("<strong>{}</strong>").format(inline_html(inner))
        case Emphasis(inner):
            return Markup("<em>{}</em>").format(inline_html(inner))
        case Code(words):
            return Markup("<code>{}</code>").format(text(words))
        case LineBreak():
            return Markup("<br />")
        case Link():
            return link_html(inline.target, inline_html(inline.content))


def link_html(target: str, words: Markup) -> Markup:
    """A link."""
    return Markup('<a href="{}">{}</a>').format(attribute(target), words)


def blocks_html(blocks: Blocks) -> Markup:
    """Rich-text blocks as HTML."""
    return Markup("").join(_block(block) for block in blocks)


def _block(block: Block) -> Markup:
    match block:
        case Paragraph():
            return Markup("<p>{}</p>").format(inline_html(block.content))
        case Heading():
            return heading_html(block.level + _RAISED, block.content)
        case ListBlock():
            return _list(block)
        case Quotation():
            return Markup("<blockquote>{}</blockquote>").format(blocks_html(block.blocks))
        case CodeBlock():
            lines = (text(line).replace(" ", Markup("&#160;")) for line in block.text.split("\n"))
            return Markup('<p class="code">{}</p>').format(Markup("<br />").join(lines))
        case Rule():
            return Markup("<hr />")
        case Table():
            return table_html(block)
        case _:
            message = f"{type(block).__name__} is not rich text"
            raise TypeError(message)


def heading_html(level: int, content: Inlines) -> Markup:
    """A heading; `level` from 1 to 6 in the mail."""
    level = min(level, 6)
    return Markup("<h{0}>{1}</h{0}>").format(level, inline_html(content))


def _list(block: ListBlock) -> Markup:
    items = Markup("").join(Markup("<li>{}</li>").format(_item(item)) for item in block.items)
    if block.start is None:
        return Markup("<ul>{}</ul>").format(items)
    start = "" if block.start == 1 else Markup(' start="{}"').format(block.start)
    return Markup("<ol{}>{}</ol>").format(start, items)


def _item(blocks: Blocks) -> Markup:
    """An item; a paragraph that begins it needs no element of its own."""
    if blocks and isinstance(blocks[0], Paragraph):
        return inline_html(blocks[0].content) + blocks_html(blocks[1:])
    return blocks_html(blocks)


def table_html(table: Table) -> Markup:
    """A data table, with its headings marked as such for screen readers."""
    caption = (
        Markup("<caption>{}</caption>").format(inline_html(table.caption)) if table.caption else ""
    )
    head = Markup("").join(
        Markup('<th scope="col">{}</th>').format(inline_html(cell)) for cell in table.head
    )
    labels = table.head if table.row_headings and len(table.head) > _FITS_A_PHONE else ()
    rows = Markup("").join(_row(row, labels, headed=table.row_headings) for row in table.rows)
    look = "data stacks" if labels else "data"
    return Markup(
        '<table class="{}" cellpadding="0" cellspacing="0">{}<thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table>"
    ).format(look, caption, head, rows)


def _row(cells: tuple[Inlines, ...], labels: tuple[Inlines, ...], *, headed: bool) -> Markup:
    """A row. `labels` are shown in the cells where a phone stacks them, and hidden elsewhere."""
    parts = []
    for at, cell in enumerate(cells):
        if headed and at == 0:
            parts.append(Markup('<th scope="row">{}</th>').format(inline_html(cell)))
            continue
        label = (
            Markup('<span class="label">{}</span>').format(inline_html(labels[at]))
            if labels
            else ""
        )
        parts.append(Markup("<td>{}{}</td>").format(label, inline_html(cell)))
    return Markup("<tr>{}</tr>").format(Markup("").join(parts))
