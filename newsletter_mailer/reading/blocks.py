"""The kinds of `:::` blocks whose body is Markdown."""

import re
from collections.abc import Sequence

from newsletter_mailer.reading.document import (
    Action,
    Actions,
    Block,
    Blocks,
    Button,
    Callout,
    Cards,
    Compare,
    Facts,
    Figure,
    Heading,
    Inlines,
    KeyFigure,
    KeyFigures,
    Link,
    ListBlock,
    Only,
    Panel,
    Paragraph,
    Quotation,
    Quote,
    Quotes,
    Remark,
    Rule,
    Table,
    Text,
)
from newsletter_mailer.reading.inline import fields_in, plain_text
from newsletter_mailer.reading.markdown import BlockReader, Directive

_ATTRIBUTION = re.compile(r"(?:^|\s)(?:--|—)\s+")
_ADDRESSEES = re.compile(r"\[([^\[\]]*)\]\s*")


def read_quote(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: quote`: paragraphs, then `-- who`."""
    blocks = reader.blocks(directive.tokens)
    last = blocks[-1] if blocks else None
    if not isinstance(last, Paragraph):
        reader.report(
            directive.place, "empty-block", "a quote without text", "a paragraph", "Write it."
        )
        return None
    content, attribution = split_attribution(last.content)
    before = (Paragraph(content, place=last.place),) if content else ()
    if not attribution:
        reader.report(
            last.place,
            "no-attribution",
            "a quote that does not say whose it is",
            "a last line such as `-- A primary school`",
            "Add it.",
        )
    if not (blocks[:-1] or before):
        reader.report(
            directive.place, "empty-block", "a quote without text", "a paragraph", "Write it."
        )
    return Quote((*blocks[:-1], *before), attribution, place=directive.place)


def read_quotes(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: quotes Title`: a list, each item with `-- who` at its end."""
    items = _list_items(directive, reader)
    remarks = [Remark(*split_attribution(content)) for content in items]
    return (
        Quotes(_title(directive, reader), tuple(remarks), place=directive.place) if items else None
    )


def read_facts(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: facts Title`: a list."""
    items = _list_items(directive, reader)
    return Facts(_title(directive, reader), items, place=directive.place) if items else None


def read_key_figures(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: key-figures Title`: a table; the last column is now, the one before it earlier."""
    table = _table(directive, reader)
    if table is None:
        return None
    if len(table.head) not in (2, 3):
        reader.report(
            table.place,
            "key-figures-columns",
            f"{len(table.head)} columns",
            "two or three: what it is, what it was, what it is now",
            "Take columns out.",
        )
        return None
    head = [plain_text(cell).strip() for cell in table.head]
    figures = []
    for row in table.rows:
        values = [plain_text(cell).strip() for cell in row]
        before = values[1] if len(values) == 3 else ""  # noqa: PLR2004 - label, before, now
        figures.append(KeyFigure(row[0], values[-1], before, change_between(before, values[-1])))
    before_label = head[1] if len(head) == 3 else ""  # noqa: PLR2004
    return KeyFigures(
        _title(directive, reader), head[-1], before_label, tuple(figures), place=directive.place
    )


def read_callout(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: callout Title`: text, lists and buttons in a box."""
    blocks = reader.blocks(directive.tokens)
    allowed = (Paragraph, ListBlock, Heading, Button, Only, Quotation)
    for block in blocks:
        if not isinstance(block, allowed):
            reader.report(
                block.place,
                "block-in-callout",
                "a block that cannot stand in a callout",
                "text, lists, buttons and `only`",
                "Put it before or after the callout.",
            )
    return _filled(
        directive, reader, Callout(_title(directive, reader), blocks, place=directive.place)
    )


def read_compare(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: compare`: two headings, each with what belongs to it."""
    panels = _panels(directive, reader)
    if len(panels) != 2:  # noqa: PLR2004 - two columns
        reader.report(
            directive.place,
            "compare-columns",
            f"{len(panels)} headings in a comparison",
            "two",
            "Begin each column with a `###` heading.",
        )
        return None
    return Compare((panels[0], panels[1]), place=directive.place)


def read_cards(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: cards`: headings, each beginning a card."""
    panels = _panels(directive, reader)
    return Cards(panels, place=directive.place) if panels else None


def read_table(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: table Caption`: a table whose first column heads its row."""
    table = _table(directive, reader)
    if table is None:
        return None
    caption = _title(directive, reader)
    return Table(table.head, table.rows, caption, row_headings=True, place=directive.place)


def read_actions(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: actions Title`: a list, each item with its addressees in brackets first."""
    blocks = reader.blocks(directive.tokens)
    items = blocks[0].items if len(blocks) == 1 and isinstance(blocks[0], ListBlock) else ()
    actions: list[Action] = []
    for item in items:
        first = item[0] if item else None
        if len(item) != 1 or not isinstance(first, Paragraph):
            reader.report(
                item[-1].place if item else directive.place,
                "action-shape",
                "an action that is not one paragraph",
                "`- [agencies] what they do`",
                "Shorten it.",
            )
            continue
        start = first.content[0] if first.content else Text("")
        match = _ADDRESSEES.match(start.text) if isinstance(start, Text) else None
        if match is None or not isinstance(start, Text):
            reader.report(
                first.place,
                "action-unaddressed",
                "an action that is addressed to nobody",
                "agencies in brackets first: `- [gp, ccg] …`",
                "Say who must act, or [everyone].",
            )
            continue
        words = [word.strip() for word in match[1].split(",") if word.strip()]
        rest = start.text[match.end() :]
        content = ((Text(rest),) if rest else ()) + first.content[1:]
        if not words or not plain_text(content).strip():
            reader.report(
                first.place,
                "action-unaddressed",
                f"the action {plain_text(first.content)!r}",
                "agencies in brackets, and what they do",
                "Write both.",
            )
            continue
        agencies = reader.registry.expand(words, first.place, reader.findings)
        actions.append(Action(agencies, content, first.place))
    if not items:
        _report_not_list(directive, reader)
    return Actions(_title(directive, reader), tuple(actions), place=directive.place)


def read_button(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: button`: a paragraph of one link."""
    blocks = reader.blocks(directive.tokens)
    content = blocks[0].content if len(blocks) == 1 and isinstance(blocks[0], Paragraph) else ()
    if len(content) != 1 or not isinstance(content[0], Link):
        reader.report(
            directive.place,
            "button-link",
            "a button that is not one link",
            "`[words](address)`",
            "Write one link, and nothing else.",
        )
        return None
    return Button(content[0].content, content[0].target, place=directive.place)


def read_figure(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: figure`: `![alternative text](images/file.png)`, then a caption."""
    picture = None
    for token in directive.tokens:
        for child in token.children or []:
            if child.type == "image" and picture is None:
                picture = child
    if picture is None:
        reader.report(
            directive.place,
            "figure-image",
            "a figure without a picture",
            "`![alternative text](images/file.png)`",
            "Write it first, then a blank line and the caption.",
        )
        return None
    found: list[int] = []
    for index, token in enumerate(directive.tokens):
        if any(child is picture for child in token.children or []):
            found.append(index)
            token.children = [c for c in token.children or [] if c is not picture]
            while token.children and token.children[0].type in {"softbreak", "hardbreak"}:
                token.children.pop(0)
    rest = [block for block in reader.blocks(directive.tokens) if isinstance(block, Paragraph)]
    place = reader.place(directive.tokens[found[0]])
    alt = "".join(child.content for child in picture.children or []).strip()
    fields_in(alt, place, reader.findings, fields=False)
    if not alt:
        reader.report(
            place,
            "no-alt",
            "a picture without alternative text",
            "words between the square brackets",
            "Say what the picture shows to someone who cannot see it.",
        )
    target = str(picture.attrGet("src") or "")
    image = reader.images.get(target, place, reader.findings)
    caption = rest[0].content if rest else ()
    return Figure(image, alt, caption, place=directive.place) if image else None


def read_only(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: only agencies`: blocks for some agencies."""
    words = [word.strip() for word in directive.argument.split(",") if word.strip()]
    if not words:
        reader.report(
            directive.place,
            "only-nobody",
            "`::: only` without agencies",
            "`::: only gp, ccg`",
            "Name who this part is for.",
        )
    agencies = reader.registry.expand(words, directive.place, reader.findings)
    return _filled(
        directive, reader, Only(agencies, reader.blocks(directive.tokens), place=directive.place)
    )


def split_attribution(content: Inlines) -> tuple[Inlines, Inlines]:
    """Content and what follows the last ` -- ` in it."""
    for index in range(len(content) - 1, -1, -1):
        inline = content[index]
        if not isinstance(inline, Text):
            continue
        marks = list(_ATTRIBUTION.finditer(inline.text))
        if not marks:
            continue
        before, after = inline.text[: marks[-1].start()].rstrip(), inline.text[marks[-1].end() :]
        said = content[:index] + ((Text(before),) if before else ())
        return said, ((Text(after),) if after else ()) + content[index + 1 :]
    return content, ()


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
    return f"{word} {percent:.0f}%" if percent >= 1 else f"{word} less than 1%"


def _number(text: str) -> float | None:
    match = re.fullmatch(r"£?(-?\d[\d,]*(?:\.\d+)?)\s*%?", text.strip())
    return float(match[1].replace(",", "")) if match else None


def _title(directive: Directive, reader: BlockReader) -> Inlines:
    return reader.words(directive.argument, directive.place)


def _filled(directive: Directive, reader: BlockReader, block: Callout | Only) -> Block | None:
    if block.blocks:
        return block
    reader.report(
        directive.place,
        "empty-block",
        f"an empty `::: {directive.name}`",
        "some text",
        "Fill it, or take it out.",
    )
    return None


def _report_not_list(directive: Directive, reader: BlockReader) -> None:
    reader.report(
        directive.place,
        "not-a-list",
        f"`::: {directive.name}` whose body is not one list",
        "`- item` lines",
        "Begin each with `- `.",
    )


def _list_items(directive: Directive, reader: BlockReader) -> tuple[Inlines, ...]:
    """The items of the one list that a directive holds, each one paragraph."""
    blocks = reader.blocks(directive.tokens)
    if len(blocks) != 1 or not isinstance(blocks[0], ListBlock):
        _report_not_list(directive, reader)
        return ()
    items: list[Inlines] = []
    for item in blocks[0].items:
        first = item[0] if len(item) == 1 else None
        if isinstance(first, Paragraph):
            items.append(first.content)
        else:
            reader.report(
                item[-1].place if item else directive.place,
                "item-shape",
                "an item that is not one paragraph",
                "one paragraph an item",
                "Shorten it.",
            )
    return tuple(items)


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


def _panels(directive: Directive, reader: BlockReader) -> tuple[Panel, ...]:
    blocks = reader.blocks(directive.tokens)
    panels: list[Panel] = []
    if blocks and not isinstance(blocks[0], Heading):
        reader.report(
            blocks[0].place,
            "no-heading",
            f"text before the first heading of `::: {directive.name}`",
            "a `###` heading first",
            "Begin each part with a heading.",
        )
        return ()
    if not blocks:
        reader.report(
            directive.place,
            "empty-block",
            f"an empty `::: {directive.name}`",
            "`###` headings, each with text",
        )
    starts = [at for at, block in enumerate(blocks) if isinstance(block, Heading)]
    for start, stop in zip(starts, [*starts[1:], len(blocks)], strict=True):
        heading = blocks[start]
        body: Blocks = blocks[start + 1 : stop]
        _check_panel(body, reader)
        if isinstance(heading, Heading):
            panels.append(Panel(heading.content, body))
    return tuple(panels)


def _check_panel(body: Sequence[Block], reader: BlockReader) -> None:
    for block in body:
        if not isinstance(block, Paragraph | ListBlock | Quotation | Rule):
            reader.report(
                block.place,
                "block-in-panel",
                "a block that cannot stand in a card or a column",
                "paragraphs and lists",
                "Put it before or after.",
            )
