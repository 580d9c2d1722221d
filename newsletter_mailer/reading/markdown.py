"""Markdown text becomes blocks of the document tree."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps

from markdown_it import MarkdownIt
from markdown_it.rules_block.table import escapedSplit
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from newsletter_mailer.findings import Finding, Place, brief
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.directive import directives
from newsletter_mailer.reading.document import (
    Block,
    Blocks,
    CodeBlock,
    Heading,
    Inlines,
    ListBlock,
    Only,
    Paragraph,
    Quotation,
    Rule,
    Table,
)
from newsletter_mailer.reading.fields import refuse_fields
from newsletter_mailer.reading.images import Images
from newsletter_mailer.reading.inline import InlineReader, html_finding
from newsletter_mailer.reading.line_rules import choose_by_sign
from newsletter_mailer.reading.source import Source

DEEPEST = 20
"""Levels of lists, quotes and `:::` blocks in each other; deeper nesting is refused."""

_PLAIN_NAMES: Mapping[type[Block], str] = {
    Paragraph: "text",
    Heading: "a heading",
    ListBlock: "a list",
    Quotation: "a > quote",
    CodeBlock: "code",
    Rule: "a line across",
    Table: "a table",
}
PLAIN = tuple(_PLAIN_NAMES)
"""What Markdown has without `:::`."""

DirectiveReader = Callable[["Directive", "BlockReader"], Block | None]


@dataclass(frozen=True, slots=True)
class Directive:
    """A `:::` block as it was read: its kind, the words after it, its raw body and its parts."""

    name: str
    argument: str
    body: str
    place: Place
    tokens: Sequence[Token]


def untitled(read: DirectiveReader) -> DirectiveReader:
    """Let a kind of block report words after its name, which nobody would see."""

    @wraps(read)
    def checking(directive: Directive, reader: "BlockReader") -> Block | None:
        if directive.argument:
            reader.report(
                directive.place,
                "unexpected-title",
                f"{brief(directive.argument)!r} after `::: {directive.name}`",
                "nothing there: this kind of block has no title",
                "Move the words into the block or above it.",
            )
        return read(directive, reader)

    return checking


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: ARG002, N802 - markdown-it's name
        """Let every link through: a refused one would stand in the mail as it was typed.

        Whoever reads the tokens judges the target, and reports it.
        """
        return True

    def normalizeLink(self, url: str) -> str:  # noqa: N802 - markdown-it's name
        """Leave every link as it was typed, for the finding that may quote it."""
        return url


_SIGNS = re.compile(r"[\n\\`*_\[\]!<&]")
"""The signs at which one of CommonMark's rules may begin or end something inside a text."""


def new_parser() -> MarkdownIt:
    """The Markdown of articles: CommonMark with tables and directives, HTML told apart."""
    # Five tokens a level are more than any block takes: what is too deep is always reported.
    parser = _Parser("commonmark", {"maxNesting": 5 * DEEPEST}).enable("table")
    directives(parser)
    choose_by_sign(parser)
    parser.inline.terminator_re = _SIGNS
    parser.core.ruler.at("inline", _inline)
    return parser


def _inline(state: StateCore) -> None:
    """Parse what stands inside blocks; words without any sign are words."""
    for token in state.tokens:
        if token.type == "inline":
            token.children = []
            if _SIGNS.search(token.content):
                state.md.inline.parse(token.content, state.md, state.env, token.children)
            elif token.content:
                token.children.append(Token("text", "", 0, content=token.content))


_PARSER = new_parser()


@dataclass(slots=True)
class BlockReader:
    """Turns block tokens into blocks, and gathers findings on the way."""

    source: Source
    offset: int
    registry: Registry
    images: Images
    readers: Mapping[str, DirectiveReader]
    findings: list[Finding]
    depth: int = 0
    slugs: set[str] = field(default_factory=set)
    lines: list[str] = field(default_factory=list)

    def parse(self, text: str) -> Blocks:
        """Parse Markdown whose first line is line `offset` + 1 of the source."""
        self.lines = text.split("\n")
        return self.blocks(_PARSER.parse(text))

    def place(self, token: Token) -> Place:
        """Where a token begins."""
        return self.source.at((token.map[0] if token.map else 0) + self.offset + 1)

    def report(
        self, place: Place, rule: str, found: str, expected: str = "", mend: str = ""
    ) -> None:
        """Add an error."""
        self.findings.append(Finding(place, rule, found, expected, mend))

    def inline(self, token: Token) -> Inlines:
        """The content of an inline token."""
        return InlineReader(self.place(token), self.findings).read(token)

    def words(self, text: str, place: Place) -> Inlines:
        """A short text, such as a title after `:::`, read as inline Markdown."""
        tokens = _PARSER.parseInline(text)
        return InlineReader(place, self.findings).read(tokens[0]) if tokens and text else ()

    def blocks(self, tokens: Sequence[Token]) -> Blocks:
        """The blocks that a run of tokens holds."""
        read: list[Block] = []
        at = 0
        while at < len(tokens):
            end = _end(tokens, at)
            block = self._block(tokens[at], tokens[at + 1 : end])
            if block is not None:
                read.append(block)
            at = end + 1
        return tuple(read)

    def keep_out(
        self, blocks: Blocks, allowed: tuple[type[Block], ...], where: str, expected: str
    ) -> None:
        """Report each block that is of no allowed kind, also inside `only`."""
        for block in blocks:
            if isinstance(block, Only):
                self.keep_out(block.blocks, allowed, where, expected)
            elif not isinstance(block, allowed):
                found = _PLAIN_NAMES.get(type(block)) or f"`::: {getattr(block, 'kind', '')}`"
                self.report(
                    block.place,
                    "misplaced-block",
                    f"{found} inside {where}",
                    expected,
                    "Put it before or after.",
                )

    def _block(self, token: Token, inner: Sequence[Token]) -> Block | None:
        place = self.place(token)
        match token.type:
            case "paragraph_open":
                content = self.inline(inner[0])
                return Paragraph(content, place=place) if content else None
            case "heading_open":
                return self._heading(token, inner, place)
            case "bullet_list_open" | "ordered_list_open":
                return ListBlock(_start(token), self._items(token, inner), place=place)
            case "blockquote_open":
                return Quotation(self._deeper(token, inner, "a > quote"), place=place)
            case "fence" | "code_block":
                first_line = place.line + (token.type == "fence")
                refuse_fields(token.content, self.source.at(first_line), self.findings)
                return CodeBlock(token.content.rstrip("\n"), place=place)
            case "hr":
                return Rule(place=place)
            case "table_open":
                return self._table(inner, place)
            case "directive_open":
                return self._directive(token, inner, place)
            case _:
                self._refuse(token, place)
        return None

    def _refuse(self, token: Token, place: Place) -> None:
        if token.type == "html_block":
            self.findings.append(html_finding(token.content, place))
        elif token.type == "stray_close":
            self.report(
                place,
                "stray-close",
                "a `:::` that closes nothing",
                "a block opened above, in the same list or quote if it stands in one",
                "Take it out, or open the block that it should close.",
            )

    def _heading(self, token: Token, inner: Sequence[Token], place: Place) -> Heading | None:
        content = self.inline(inner[0])
        if content:
            return Heading(int(token.tag[1]), content, place=place)
        self.report(
            place,
            "empty-heading",
            "a heading without words",
            "`## Words`",
            "Write it, or take it out.",
        )
        return None

    def _items(self, token: Token, inner: Sequence[Token]) -> tuple[Blocks, ...]:
        items: list[Blocks] = []
        at = 0
        while at < len(inner):
            end = _end(inner, at)
            items.append(self._deeper(token, inner[at + 1 : end], "a list"))
            at = end + 1
        return tuple(items)

    def _deeper(self, token: Token, inner: Sequence[Token], where: str) -> Blocks:
        """The blocks inside a list item or a quote, which holds plain ones only."""
        if self._is_too_deep(self.place(token)):
            return ()
        self.depth += 1
        blocks = self.blocks(inner)
        self.depth -= 1
        self.keep_out(blocks, PLAIN, where, "text, lists, quotes and tables")
        return blocks

    def _is_too_deep(self, place: Place) -> bool:
        if self.depth < DEEPEST:
            return False
        self.report(
            place,
            "nested-too-deep",
            "lists, quotes or blocks nested too deep",
            f"at most {DEEPEST} levels",
            "Say it with fewer levels.",
        )
        return True

    def _table(self, tokens: Sequence[Token], place: Place) -> Table:
        rows: list[tuple[Inlines, ...]] = []
        cells: list[Inlines] = []
        for token in tokens:
            if token.type == "inline":
                cells.append(self.inline(token))
            elif token.type == "tr_open":
                self._check_row(token, len(rows[0]) if rows else 0)
            elif token.type == "tr_close":
                rows.append(tuple(cells))
                cells = []
        return Table(rows[0], tuple(rows[1:]), place=place)

    def _check_row(self, token: Token, columns: int) -> None:
        """Report cells beyond the last column, which Markdown would leave out."""
        line = self.lines[token.map[0]] if token.map else ""
        cells = escapedSplit(line.lstrip("> \t").removeprefix("|").rstrip().removesuffix("|"))
        if columns and len(cells) > columns:
            self.report(
                self.place(token),
                "table-cells",
                f"a row of {len(cells)} cells",
                f"{columns}, as in the heading row",
                "Take a | out; for the sign itself write \\|.",
            )

    def _directive(self, token: Token, inner: Sequence[Token], place: Place) -> Block | None:
        name = token.meta["name"]
        if self._is_too_deep(place):
            return None
        self.depth += 1
        try:
            if token.meta["unclosed"]:
                self.report(
                    place,
                    "unclosed-block",
                    f"`::: {brief(name)}` without an end",
                    "`:::` alone on a line",
                    "Add it where the block ends.",
                )
                self.blocks(inner)  # for the mistakes inside
                return None
            reader = self._reader(name, place)
            if reader is None:
                self.blocks(inner)
                return None
            directive = Directive(name, token.meta["argument"], token.meta["body"], place, inner)
            return reader(directive, self)
        finally:
            self.depth -= 1

    def _reader(self, name: str, place: Place) -> DirectiveReader | None:
        """What reads this kind of block, or for an unknown one the kind that was meant."""
        if name in self.readers:
            return self.readers[name]
        near = difflib.get_close_matches(name, list(self.readers), n=1)
        self.report(
            place,
            "unknown-block",
            f"the block `::: {brief(name)}`",
            f"one of {', '.join(sorted(self.readers))}",
            f"Did you mean {near[0]}?" if near else "Check its spelling.",
        )
        return self.readers[near[0]] if near else None


def _start(token: Token) -> int | None:
    """The first number of a list; None for bullets."""
    start = token.attrGet("start")  # left out where it is 1
    return None if token.type == "bullet_list_open" else int(1 if start is None else start)


def _end(tokens: Sequence[Token], at: int) -> int:
    """The index of the token that closes the one at `at`; itself, where it opens nothing."""
    depth = 0
    for index in range(at, len(tokens)):
        depth += tokens[index].nesting
        if depth == 0:
            return index
    return len(tokens) - 1
