"""The plain text of an article, written from the same tree as the HTML."""

from collections.abc import Callable
from dataclasses import dataclass, field

from newsletter_mailer.compiling.merge import marked
from newsletter_mailer.compiling.wording import full_date, times
from newsletter_mailer.compiling.wrapping import WIDTH, indented, wrapped
from newsletter_mailer.reading.document import (
    Actions,
    Article,
    Block,
    Blocks,
    Button,
    Callout,
    Cards,
    Code,
    CodeBlock,
    Compare,
    Contact,
    Emphasis,
    Event,
    EventDate,
    Facts,
    Figure,
    Heading,
    Inlines,
    KeyFigures,
    LineBreak,
    Link,
    ListBlock,
    MergeField,
    Only,
    Paragraph,
    Quotation,
    Quote,
    Quotes,
    Resources,
    Rule,
    Strong,
    Table,
    Text,
)

CalendarUrl = Callable[[Event, EventDate], str]


@dataclass(frozen=True, slots=True)
class ArticleText:
    """An article's text, and the number of its words."""

    text: str
    words: int


Written = dict[tuple[int, tuple[str, ...]], tuple[Block, list[str], list[str]]]
"""What blocks became, by their identity and the links before them: their lines, and the links
after them. The block stands beside, so that no other can get its identity."""


def article_text(article: Article, calendar_url: CalendarUrl, written: Written) -> ArticleText:
    """An article with its title, text, and the addresses of its links below.

    `written` is kept for the other forms of the article, which have most blocks in common.
    """
    writer = TextWriter(calendar_url)
    title = wrapped(writer.inline(article.title))
    body: list[str] = []
    for block in article.blocks:
        key = (id(block), tuple(writer.links))
        if key not in written:
            written[key] = (block, writer.blocks((block,)), writer.links.copy())
        _, block_lines, links = written[key]
        writer.links = links.copy()
        if block_lines:
            body += ["", *block_lines] if body else block_lines
    lines = [*title, "=" * max(map(len, title)), "", *body]
    words = sum(len(line.split()) for line in lines)
    if writer.links:
        lines += ["", *(f"[{number}] {url}" for number, url in enumerate(writer.links, start=1))]
    return ArticleText("\n".join(line.rstrip() for line in lines), words)


@dataclass(slots=True)
class TextWriter:
    """Writes blocks as lines, and gathers the links that they mention."""

    calendar_url: CalendarUrl
    links: list[str] = field(default_factory=list)
    width: int = WIDTH

    def inline(self, content: Inlines) -> str:
        """Inline content; a link's words are followed by the number of its address."""
        parts: list[str] = []
        for inline in content:
            match inline:
                case Text(words) | Code(words):
                    parts.append(words)
                case MergeField(name):
                    parts.append(marked(name))
                case LineBreak():
                    parts.append("\n")
                case Emphasis(inner) | Strong(inner):
                    parts.append(self.inline(inner))
                case Link():
                    parts.append(self._link(inline.target, self.inline(inline.content)))
        return "".join(parts)

    def _link(self, target: str, words: str) -> str:
        if target.startswith("{{"):
            return f"{words}: {marked(target.strip('{}'))}"
        for scheme in ("mailto:", "tel:"):
            if target.startswith(scheme):
                bare = target.removeprefix(scheme).partition("?")[0]
                return words if bare in words else f"{words} <{bare}>"
        if words == target:
            return f"<{target}>"
        if target not in self.links:
            self.links.append(target)
        return f"{words} [{self.links.index(target) + 1}]"

    def inside(self, mark: str, blocks: Blocks) -> list[str]:
        """Blocks in lines that begin with `mark`."""
        self.width -= len(mark)
        lines = self.blocks(blocks)
        self.width += len(mark)
        return indented(lines, mark)

    def wrapped(self, text: str, first: str = "") -> list[str]:
        """Text in lines, `first` before the first of them."""
        return wrapped(text, first, self.width)

    def blocks(self, blocks: Blocks) -> list[str]:
        """Blocks with an empty line between them."""
        lines: list[str] = []
        for block in blocks:
            written = self.block(block)
            if written:
                lines += ["", *written] if lines else written
        return lines

    def block(self, block: Block) -> list[str]:  # noqa: C901, PLR0912 - one case a kind
        """One block."""
        match block:
            case Paragraph():
                return self.wrapped(self.inline(block.content))
            case Heading():
                return self.wrapped(self.inline(block.content), f"{'#' * block.level} ")
            case ListBlock():
                return self._list(block)
            case Quotation():
                return self.inside("> ", block.blocks)
            case CodeBlock():
                return [f"    {line}" for line in block.text.split("\n")]
            case Rule():
                return ["* * *"]
            case Table():
                return self._table(block)
            case Quote():
                who = [f"  -- {self.inline(block.attribution)}"] if block.attribution else []
                return [*self.inside("> ", block.blocks), *who]
            case Quotes():
                lines = [
                    line
                    for remark in block.remarks
                    for line in self.wrapped(self._remark(remark.content, remark.attribution), "- ")
                ]
                return self._titled(block.title, lines)
            case Facts():
                lines = [
                    line for item in block.items for line in self.wrapped(self.inline(item), "- ")
                ]
                return self._titled(block.title, lines)
            case KeyFigures():
                return self._key_figures(block)
            case Callout():
                return self._callout(block)
            case Compare() | Cards():
                lines = []
                for panel in block.panels:
                    lines += ["", *self._titled(panel.title, self.blocks(panel.blocks))]
                return lines[1:]
            case Actions():
                count = len(block.actions)
                stand = (
                    "one action for you stands" if count == 1 else f"{count} actions for you stand"
                )
                title = f"{self.inline(block.title)}: " if block.title else ""
                return self.wrapped(f"{title}{stand} at the top of this newsletter.")
            case Event():
                return self._event(block)
            case Contact():
                rows = [
                    block.name,
                    block.role,
                    *block.address.splitlines(),
                    block.email,
                    block.phone,
                    block.link,
                ]
                return [line for row in rows for line in self.wrapped(row)]
            case Resources():
                return self._resources(block)
            case Button():
                return [f"{self.inline(block.text)}: {block.target}"]
            case Figure():
                lines = self.wrapped(f"[Picture: {block.alt}]")
                return lines + (self.wrapped(self.inline(block.caption)) if block.caption else [])
            case Only():
                return self.blocks(block.blocks)

    def _remark(self, content: Inlines, attribution: Inlines) -> str:
        said = f"“{self.inline(content)}”"
        return f"{said} -- {self.inline(attribution)}" if attribution else said

    def _titled(self, title: Inlines, lines: list[str]) -> list[str]:
        return [*self.wrapped(f"{self.inline(title)}:"), *lines] if title else lines

    def _callout(self, block: Callout) -> list[str]:
        title = indented(self.wrapped(self.inline(block.title)), "| ") if block.title else []
        return [*title, *self.inside("| ", block.blocks)]

    def _list(self, block: ListBlock) -> list[str]:
        lines: list[str] = []
        for number, item in enumerate(block.items, start=block.start or 0):
            mark = "- " if block.start is None else f"{number}. "
            space = " " * len(mark)
            # A paragraph and the list below it belong together: no empty line between.
            written = [line for line in self.inside(space, item) if line]
            lines += [mark + written[0].removeprefix(space), *written[1:]] if written else []
        return lines

    def _table(self, table: Table) -> list[str]:
        lines = [*self.wrapped(f"{self.inline(table.caption)}:")] if table.caption else []
        heads = [self.inline(cell) for cell in table.head]
        for row in table.rows:
            cells = [self.inline(cell) for cell in row]
            if len(cells) == 2:  # noqa: PLR2004 - a name and its value
                lines += self.wrapped(f"{cells[0]}: {cells[1]}", "- ")
                continue
            lines += self.wrapped(cells[0], "- ")
            for head, cell in zip(heads[1:], cells[1:], strict=False):
                lines += self.wrapped(f"{head}: {cell}" if head else cell, "  ")
        return lines

    def _key_figures(self, block: KeyFigures) -> list[str]:
        lines = []
        for figure in block.figures:
            then = f"{figure.before} in {block.before_label}" if figure.before else ""
            change = (
                f" ({figure.change} from {then})" if figure.change else f" ({then})" if then else ""
            )
            label = self.inline(figure.label)
            lines += self.wrapped(f"{label}, {block.now_label}: {figure.now}{change}", "- ")
        return self._titled(block.title, lines)

    def _event(self, event: Event) -> list[str]:
        lines = self.wrapped(event.title) + (self.wrapped(event.about) if event.about else [])
        for date in event.dates:
            at = times(date)
            parts = [full_date(date.day), at, event.venue]
            lines += self.wrapped(", ".join(part for part in parts if part), "- ")
            lines.append(f"  Add to your calendar: {self.calendar_url(event, date)}")
        return lines + ([f"Book a place: {event.book}"] if event.book else [])

    def _resources(self, block: Resources) -> list[str]:
        lines: list[str] = []
        for resource in block.resources:
            lines += self.wrapped(f"{resource.name}: {resource.offers}", "- ")
            lines += self.wrapped(resource.note, "  ") if resource.note else []
            lines += [f"  {resource.link}"] if resource.link else []
            for link in resource.more:
                lines += [*self.wrapped(f"{link.text}:", "  "), f"  {link.link}"]
        return lines
