"""The body of a mail laid out as sections: as few as its blocks allow.

Each section costs a kilobyte of tables for Outlook, and Gmail clips a mail of 102 KB, so
text runs on in one section, across articles too, until a block needs columns of its own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from newsletter_mailer.compiling.rich_text import RICH
from newsletter_mailer.reading.document import Blocks, Heading, Only


@dataclass(frozen=True, slots=True)
class TextRun:
    """A run of rich text, as tokens that stand for it."""

    tokens: str


@dataclass(frozen=True, slots=True)
class Columns:
    """MJML that brings sections of its own."""

    mjml: Markup


Piece = TextRun | Columns


def runs(blocks: Blocks) -> Iterator[tuple[int, Blocks]]:
    """The blocks of an article: rich text in runs, every other alone; and the level around each.

    The level is that of the heading above, in the mail.
    """
    level = 2
    shown = (block for block in blocks if not isinstance(block, Only))  # tailoring has left none
    for is_rich, run in groupby(shown, key=lambda block: isinstance(block, RICH)):
        if is_rich:
            together = tuple(run)
            yield level, together
            headings = [block for block in together if isinstance(block, Heading)]
            level = headings[-1].level + 1 if headings else level
        else:
            for block in run:
                yield level, (block,)


def sections(runs: Iterable[tuple[Piece, ...]]) -> list[tuple[Piece, ...]]:
    """All pieces of a mail's body; those that can share a section are together in a tuple."""
    made: list[list[Piece]] = []
    for piece in (piece for run in runs for piece in run):
        if isinstance(piece, Columns) or not made or isinstance(made[-1][0], Columns):
            made.append([piece])
        else:
            made[-1].append(piece)
    return [tuple(section) for section in made]


def joined(made: Iterable[Piece]) -> Iterator[Piece]:
    """The pieces of an article, neighbouring texts as one."""
    for kind, run in groupby(made, key=type):
        if kind is TextRun:
            yield TextRun("".join(piece.tokens for piece in run if isinstance(piece, TextRun)))
        else:
            yield from run
