"""The kinds of `:::` blocks whose body is one list: quotes, facts, actions."""

import re
from collections.abc import Iterator

from newsletter_mailer.findings import Place, brief
from newsletter_mailer.reading.block_reader import BlockReader, Directive
from newsletter_mailer.reading.document import (
    Action,
    Actions,
    Block,
    Facts,
    Inlines,
    LineBreak,
    ListBlock,
    Paragraph,
    Quotes,
    Remark,
    Text,
)
from newsletter_mailer.reading.inline import plain_text

_ATTRIBUTION = re.compile(r"(?:^|\s)--\s+")
_ADDRESSEES = re.compile(r"\s*\[([^\[\]]*)\]\s*")


def read_quotes(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: quotes Title`: a list, each item with `-- who` at its end."""
    remarks: list[Remark] = []
    for place, content in _items(directive, reader):
        remark = Remark(*split_attribution(content))
        remarks.append(remark)
        if not remark.content:
            reader.report(place, "empty-block", "a quote without text", "words", "Write them.")
    title = reader.words(directive.argument, directive.place)
    return Quotes(title, tuple(remarks), place=directive.place) if remarks else None


def read_facts(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: facts Title`: a list."""
    items = tuple(content for _, content in _items(directive, reader))
    title = reader.words(directive.argument, directive.place)
    return Facts(title, items, place=directive.place) if items else None


def read_actions(directive: Directive, reader: BlockReader) -> Block | None:
    """`::: actions Title`: a list, each item with its addressees in brackets first."""
    actions = [
        action
        for place, content in _items(directive, reader)
        if (action := _action(content, place, reader))
    ]
    title = reader.words(directive.argument, directive.place)
    return Actions(title, tuple(actions), place=directive.place) if actions else None


def _action(content: Inlines, place: Place, reader: BlockReader) -> Action | None:
    start = content[0]
    match = _ADDRESSEES.match(start.text) if isinstance(start, Text) else None
    shown = repr(brief(plain_text(content)))
    if match is None or not isinstance(start, Text):
        reader.report(
            place,
            "action-unaddressed",
            f"the action {shown}, addressed to nobody",
            "agencies in brackets first: `- [gp, ccg] …`",
            "Say who must act, or [everyone].",
        )
        return None
    words = [word.strip() for word in match[1].split(",") if word.strip()]
    rest = start.text[match.end() :]
    content = ((Text(rest),) if rest else ()) + content[1:]
    if not words or not plain_text(content).strip():
        reader.report(
            place,
            "action-unaddressed" if not words else "empty-action",
            f"the action {shown}",
            "agencies in brackets, and what they do",
            "Write both.",
        )
        return None
    return Action(reader.registry.expand(words, place, reader.findings), content, place)


def split_attribution(content: Inlines) -> tuple[Inlines, Inlines]:
    """Content and what follows the last ` -- ` in it."""
    for index in range(len(content) - 1, -1, -1):
        inline = content[index]
        marks = list(_ATTRIBUTION.finditer(inline.text)) if isinstance(inline, Text) else []
        if not marks or not isinstance(inline, Text):
            continue
        before, after = inline.text[: marks[-1].start()].rstrip(), inline.text[marks[-1].end() :]
        said = content[:index] + ((Text(before),) if before else ())
        while said and isinstance(said[-1], LineBreak):
            said = said[:-1]
        return said, ((Text(after),) if after else ()) + content[index + 1 :]
    return content, ()


def _items(directive: Directive, reader: BlockReader) -> Iterator[tuple[Place, Inlines]]:
    """The items of the one list that a directive holds, each one paragraph."""
    blocks = reader.blocks(directive.tokens)
    if len(blocks) != 1 or not isinstance(blocks[0], ListBlock):
        reader.report(
            directive.place,
            "not-a-list",
            f"`::: {directive.name}` whose body is not one list",
            "`- item` lines",
            "Begin each with `- `.",
        )
        return
    for item in blocks[0].items:
        first = item[0] if len(item) == 1 else None
        if isinstance(first, Paragraph):
            yield first.place, first.content
        else:
            reader.report(
                item[-1].place if item else blocks[0].place,
                "item-shape",
                "an item that is not one paragraph" if item else "an empty item",
                "one paragraph an item",
                "Shorten it." if item else "Fill it, or take it out.",
            )
