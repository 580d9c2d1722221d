"""The body of a mail laid out as sections: as few as its blocks allow.

Each section costs a kilobyte of tables for Outlook, and Gmail clips a mail of 102 KB, so
text runs on in one section, across articles too, until a block needs columns of its own.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from markupsafe import Markup

from newsletter_mailer.compiling.rich_text import RICH, blocks_html
from newsletter_mailer.compiling.templates import Templates
from newsletter_mailer.reading.document import Article, Block, Heading, Only


@dataclass(frozen=True, slots=True)
class TextRun:
    """A run of rich text."""

    html: Markup


@dataclass(frozen=True, slots=True)
class Columns:
    """MJML that brings sections of its own."""

    mjml: Markup


Piece = TextRun | Columns


def pieces(
    article: Article,
    title: Markup,
    templates: Templates,
    context: Callable[[Block], dict[str, object]],
) -> tuple[Piece, ...]:
    """An article as pieces; `context` gives what a block's template needs besides the block."""
    made: list[Piece] = [TextRun(title)]
    level = 2
    for block in article.blocks:
        if isinstance(block, Heading):
            level = block.level + 1
        if isinstance(block, Only):
            continue  # tailoring has left none
        if isinstance(block, RICH):
            made.append(TextRun(blocks_html((block,))))
            continue
        names = {"level": level + 1, **context(block)}
        if block.kind in templates.text_kinds:
            made.append(TextRun(templates.render(f"blocks/{block.kind}.html", **names)))
        else:
            made.append(Columns(templates.render(f"blocks/{block.kind}.columns.mjml", **names)))
    return _joined(made)


def sections(runs: Iterable[tuple[Piece, ...]]) -> list[tuple[Piece, ...]]:
    """All pieces of a mail's body; those that can share a section are together in a tuple."""
    made: list[list[Piece]] = []
    for piece in (piece for run in runs for piece in run):
        if isinstance(piece, Columns) or not made or isinstance(made[-1][0], Columns):
            made.append([piece])
        else:
            made[-1].append(piece)
    return [tuple(section) for section in made]


def _joined(made: Iterable[Piece]) -> tuple[Piece, ...]:
    """Neighbouring texts become one, which is inlined and wrapped once."""
    joined: list[Piece] = []
    for piece in made:
        last = joined[-1] if joined else None
        if isinstance(piece, TextRun) and isinstance(last, TextRun):
            joined[-1] = TextRun(last.html + piece.html)
        else:
            joined.append(piece)
    return tuple(joined)
