"""The tokens of Markdown become blocks of the document tree."""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps

from markdown_it.rules_block.table import escapedSplit
from markdown_it.token import Token

from newsletter_mailer.findings import Finding, Place, brief
from newsletter_mailer.reading.agencies import Registry
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
from newsletter_mailer.reading.markdown import DEEPEST, new_parser
from newsletter_mailer.reading.source import Source

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
        read = (self._block(token, inner) for token, inner in _parts(tokens))
        return tuple(block for block in read if block is not None)

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
        return tuple(self._deeper(token, item, "a list") for _, item in _parts(inner))

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
        if self._is_too_deep(place):
            return None
        self.depth += 1
        try:
            reader = self._reader(token, place)
            if reader is None:
                self.blocks(inner)  # for the mistakes inside
                return None
            meta = token.meta
            directive = Directive(meta["name"], meta["argument"], meta["body"], place, inner)
            return reader(directive, self)
        finally:
            self.depth -= 1

    def _reader(self, token: Token, place: Place) -> DirectiveReader | None:
        """What reads this kind of block, or for an unknown one the kind that was meant."""
        name = token.meta["name"]
        if token.meta["unclosed"]:
            self.report(
                place,
                "unclosed-block",
                f"`::: {brief(name)}` without an end",
                "`:::` alone on a line",
                "Add it where the block ends.",
            )
            return None
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


def _parts(tokens: Sequence[Token]) -> Iterator[tuple[Token, Sequence[Token]]]:
    """Each token that is not inside another, and the tokens inside it."""
    start = depth = 0
    for at, token in enumerate(tokens):
        depth += token.nesting
        if depth == 0:
            yield tokens[start], tokens[start + 1 : at]
            start = at + 1
