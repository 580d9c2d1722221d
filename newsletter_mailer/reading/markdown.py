"""Markdown text becomes blocks of the document tree."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

from newsletter_mailer.findings import Finding, Place
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.directive import directives
from newsletter_mailer.reading.document import (
    Block,
    Blocks,
    CodeBlock,
    Heading,
    Inlines,
    ListBlock,
    Paragraph,
    Quotation,
    Rule,
    Table,
)
from newsletter_mailer.reading.images import Images
from newsletter_mailer.reading.inline import InlineReader, fields_in, html_finding
from newsletter_mailer.reading.source import Source

DEEPEST = 20
"""Levels of lists and quotes in each other; deeper nesting is refused."""

DirectiveReader = Callable[["Directive", "BlockReader"], Block | None]


@dataclass(frozen=True, slots=True)
class Directive:
    """A `:::` block as it was read: its kind, the words after it, its raw body and its parts."""

    name: str
    argument: str
    body: str
    place: Place
    tokens: Sequence[Token]
    unclosed: bool


def new_parser() -> MarkdownIt:
    """The Markdown of articles: CommonMark with tables and directives, HTML told apart."""
    parser = MarkdownIt("commonmark", {"maxNesting": 5 * DEEPEST}).enable("table")
    directives(parser)
    return parser


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

    def parse(self, text: str) -> Blocks:
        """Parse Markdown whose first line is line `offset` + 1 of the source."""
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

    def _block(self, token: Token, inner: Sequence[Token]) -> Block | None:
        place = self.place(token)
        match token.type:
            case "paragraph_open":
                content = self.inline(inner[0])
                return Paragraph(content, place=place) if content else None
            case "heading_open":
                return Heading(int(token.tag[1]), self.inline(inner[0]), place=place)
            case "bullet_list_open":
                return ListBlock(None, self._items(token, inner), place=place)
            case "ordered_list_open":
                start = int(token.attrGet("start") or 1) if token.attrGet("start") != 0 else 0
                return ListBlock(start, self._items(token, inner), place=place)
            case "blockquote_open":
                return Quotation(self._deeper(token, inner), place=place)
            case "fence" | "code_block":
                fields_in(token.content, place, self.findings, fields=False)
                return CodeBlock(token.content.rstrip("\n"), place=place)
            case "hr":
                return Rule(place=place)
            case "table_open":
                return self._table(inner, place)
            case "directive_open":
                return self._directive(token, inner, place)
            case "html_block":
                self.findings.append(html_finding(token.content, place))
            case "stray_close":
                self.report(
                    place,
                    "stray-close",
                    "a `:::` that closes nothing",
                    mend="Take it out, or open the block it should close.",
                )
            case _:
                pass
        return None

    def _items(self, token: Token, inner: Sequence[Token]) -> tuple[Blocks, ...]:
        items: list[Blocks] = []
        at = 0
        while at < len(inner):
            end = _end(inner, at)
            items.append(self._deeper(token, inner[at + 1 : end]))
            at = end + 1
        return tuple(items)

    def _deeper(self, token: Token, inner: Sequence[Token]) -> Blocks:
        if self.depth >= DEEPEST:
            self.report(
                self.place(token),
                "nested-too-deep",
                "lists or quotes nested too deep",
                f"at most {DEEPEST} levels",
                "Say it with fewer levels.",
            )
            return ()
        self.depth += 1
        try:
            return self.blocks(inner)
        finally:
            self.depth -= 1

    def _table(self, tokens: Sequence[Token], place: Place) -> Table:
        rows: list[tuple[Inlines, ...]] = []
        cells: list[Inlines] = []
        for token in tokens:
            if token.type == "inline":
                cells.append(self.inline(token))
            elif token.type == "tr_close":
                rows.append(tuple(cells))
                cells = []
        return Table(rows[0], tuple(rows[1:]), place=place)

    def _directive(self, token: Token, inner: Sequence[Token], place: Place) -> Block | None:
        meta = token.meta
        directive = Directive(
            meta["name"], meta["argument"], meta["body"], place, inner, meta["unclosed"]
        )
        if directive.unclosed:
            self.report(
                place,
                "unclosed-block",
                f"`::: {directive.name}` without an end",
                "`:::` alone on a line",
                "Add it where the block ends.",
            )
            return None
        reader = self.readers.get(directive.name)
        if reader is None:
            self.report(
                place,
                "unknown-block",
                f"the block `::: {directive.name}`",
                f"one of {', '.join(sorted(self.readers))}",
                "Check its spelling.",
            )
            return None
        return reader(directive, self)


def _end(tokens: Sequence[Token], at: int) -> int:
    """The index of the token that closes the one at `at`; itself, where it opens nothing."""
    depth = 0
    for index in range(at, len(tokens)):
        depth += tokens[index].nesting
        if depth == 0:
            return index
    return len(tokens) - 1
