"""A draft's blocks, split into articles at its headings."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from newsletter_mailer.drafting.draft import Draft, DraftBlock
from newsletter_mailer.reading.document import (
    Heading,
    Inlines,
    MergeField,
    Paragraph,
    Strong,
    Text,
)
from newsletter_mailer.reading.inline import plain_text

LONGEST_SUMMARY = 160
"""Characters of a first paragraph that can stand in the contents list."""

LONGEST_TITLE = 200
_LONGEST_BOLD = 100
_DEEPEST_HEADING = 6


@dataclass(frozen=True, slots=True)
class Part:
    """An article to be: a title, a summary where one offers itself, and its blocks.

    `opens` is true for what greets the readers, before any article.
    """

    title: str
    summary: str
    blocks: tuple[DraftBlock, ...]
    opens: bool = False


@dataclass(frozen=True, slots=True)
class Split:
    """The parts of a draft, its own title (or nothing), and whether bold words headed them."""

    title: str
    parts: tuple[Part, ...]
    by_bold: bool = False


def split(draft: Draft, fallback: str) -> Split:
    """The articles of a draft.

    A single heading above all others is the draft's title. The highest level that is left
    begins articles; the levels below become `##`, `###` and so on, none left out. Words
    before the first heading open the issue. A draft without headings is split at
    paragraphs that are bold from end to end; else it is one article called `fallback`.
    """
    blocks, by_bold = draft.blocks, False
    if not draft.whole and not any(isinstance(block, Heading) for block in blocks):
        blocks = tuple(_bold_as_heading(block) for block in blocks)
        by_bold = blocks != draft.blocks
    title, blocks = _own_title(blocks, draft)
    levels = [block.level for block in blocks if isinstance(block, Heading)]
    if draft.whole or not levels:
        part = Part(
            title or fallback, draft.summary or _summary(blocks), _levelled(blocks, 1), opens=False
        )
        return Split(title, (part,) if blocks else (), by_bold)
    at = min(levels)
    parts: list[Part] = []
    starts = [
        index
        for index, block in enumerate(blocks)
        if isinstance(block, Heading) and block.level == at
    ]
    if before := blocks[: starts[0]]:
        parts.append(Part("Welcome", "", _levelled(before, at), opens=True))
    for start, end in zip(starts, [*starts[1:], len(blocks)], strict=True):
        heading, body = blocks[start], blocks[start + 1 : end]
        words = _title(heading.content) if isinstance(heading, Heading) else ""
        opens = start == 0 and re.match(r"welcome\b", words, re.IGNORECASE) is not None
        parts.append(Part(words, "" if opens else _summary(body), _levelled(body, at), opens))
    return Split(title, tuple(parts), by_bold)


def _own_title(blocks: tuple[DraftBlock, ...], draft: Draft) -> tuple[str, tuple[DraftBlock, ...]]:
    """The title of the draft as a whole, and the blocks without it."""
    levels = Counter(block.level for block in blocks if isinstance(block, Heading))
    first = blocks[0] if blocks else None
    if isinstance(first, Heading) and not draft.whole:
        alone = levels[first.level] == 1 and first.level == min(levels)
        if alone and (len(levels) > 1 or len(blocks) > 1):
            return _title(first.content), blocks[1:]
    return draft.title, blocks


def _title(content: Inlines) -> str:
    """A heading's words as a title: plain, without a colon at their end, not too long."""
    words = " ".join(plain_text(content).split()).rstrip(" :").strip()
    if len(words) > LONGEST_TITLE:
        words = words[: LONGEST_TITLE - 1].rpartition(" ")[0].rstrip(" ,;:–—-") + "…"
    return words or "Untitled"


def _summary(blocks: Sequence[DraftBlock]) -> str:
    """The first paragraph, if it is one short sentence or two without links."""
    first = blocks[0] if blocks else None
    if not isinstance(first, Paragraph) or len(blocks) == 1:
        return ""
    words = " ".join(plain_text(first.content).split())
    flat = all(isinstance(part, Text | Strong) for part in first.content)
    fields = any(isinstance(part, MergeField) for part in first.content) or "{{" in words
    ends = words.endswith((".", "!", "?"))
    if flat and not fields and ends and len(words) <= LONGEST_SUMMARY and "://" not in words:
        return words
    return ""


def _levelled(blocks: Sequence[DraftBlock], above: int) -> tuple[DraftBlock, ...]:
    """Blocks whose headings begin at `##` and go down a level at a time."""
    levelled: list[DraftBlock] = []
    open_: list[int] = []
    for block in blocks:
        if not isinstance(block, Heading):
            levelled.append(block)
            continue
        while open_ and open_[-1] >= max(block.level, above + 1):
            open_.pop()
        open_.append(max(block.level, above + 1))
        levelled.append(replace(block, level=min(len(open_) + 1, _DEEPEST_HEADING)))
    return tuple(levelled)


def _bold_as_heading(block: DraftBlock) -> DraftBlock:
    """A short paragraph that is bold from end to end as a heading, as it was meant."""
    if isinstance(block, Paragraph) and len(block.content) == 1:
        strong = block.content[0]
        words = plain_text(block.content)
        if isinstance(strong, Strong) and len(words) <= _LONGEST_BOLD and words[-1] not in ".,;":
            return Heading(2, strong.content, place=block.place)
    return block
