"""The plain-text part, written from the same tree as the HTML."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from newsletter_mailer.compiling.merge import READ, Segments
from newsletter_mailer.compiling.tailoring import Tailored
from newsletter_mailer.compiling.wording import full_date, issue_date, reading_minutes, times
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
    Issue,
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
from newsletter_mailer.settings import Settings

WIDTH = 76
"""Characters in a line; with the marks of a reply or two it still fits 80."""

# No issue can hold these control characters: reading removes them.
_OPEN, _CLOSE = "\x02", "\x03"

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
    writer = _Writer(calendar_url)
    title = _wrapped(writer.inline(article.title))
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


def mail_text(
    issue: Issue,
    tailored: Tailored,
    texts: dict[str, ArticleText],
    web_url: str,
    settings: Settings,
) -> Segments:
    """The whole text of a mail. `texts` holds each article's text by its id."""
    head, office = issue.head, settings.office
    minutes = reading_minutes(sum(text.words for text in texts.values()))
    lines = [
        head.title,
        office.name,
        f"Issue {head.number} · {issue_date(head)} · {minutes} minute read",
        "",
        f"View in your browser: {web_url}",
        "",
        _mark("greeting"),
    ]
    writer = _Writer(lambda _event, _date: "")
    if tailored.actions:
        count = len(tailored.actions)
        counted = "one action" if count == 1 else f"{count} actions"
        lines += ["", *_rule(f"For {_mark('agency_name')}: {counted}")]
        for number, action in enumerate(tailored.actions, start=1):
            lines += _wrapped(writer.inline(action.content), f"{number}. ")
            following = tailored.actions[number : number + 1]
            if not following or following[0].article_id != action.article_id:
                lines += [*_wrapped(f"(From: {writer.inline(action.article_title)})", "   "), ""]
        lines.pop()
        lines += [f"[{number}] {url}" for number, url in enumerate(writer.links, start=1)]
    if tailored.opening:
        lines += ["", "", texts[tailored.opening.id].text, *_read_button(tailored.opening)]
    lines += ["", "", *_rule("In this issue")]
    for number, article in enumerate(tailored.articles, start=1):
        minutes = reading_minutes(texts[article.id].words)
        lines += _wrapped(f"{writer.inline(article.title)} ({minutes} min)", f"{number}. ")
        if article.summary:
            lines += _wrapped(writer.inline(article.summary), " " * len(f"{number}. "))
    for article in tailored.articles:
        lines += ["", "", texts[article.id].text, *_read_button(article)]
    lines += [
        "",
        "",
        "=" * WIDTH,
        office.name,
        *office.address,
        f"Phone {office.phone}",
        office.email,
        office.website,
        "",
        f"You get this because you signed up with {_mark('email')},",
        f"under “{_mark('agency_name')}”.",
        "",
        f"Change your preferences: {_mark('preferences_url')}",
        f"Unsubscribe: {_mark('unsubscribe_url')}",
        "",
    ]
    first, *rest = "\n".join(line.rstrip() for line in lines).split(_OPEN)
    cut = [part.partition(_CLOSE) for part in rest]
    return Segments((first, *(literal for _, _, literal in cut)), tuple(name for name, _, _ in cut))


@dataclass(slots=True)
class _Writer:
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
                    parts.append(_mark(name))
                case LineBreak():
                    parts.append("\n")
                case Emphasis(inner) | Strong(inner):
                    parts.append(self.inline(inner))
                case Link():
                    parts.append(self._link(inline.target, self.inline(inline.content)))
        return "".join(parts)

    def _link(self, target: str, words: str) -> str:
        if target.startswith("{{"):
            return f"{words}: {_mark(target.strip('{}'))}"
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
        return _indented(lines, mark)

    def wrapped(self, text: str, first: str = "") -> list[str]:
        """Text in lines, `first` before the first of them."""
        return _wrapped(text, first, self.width)

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
        title = _indented(self.wrapped(self.inline(block.title)), "| ") if block.title else []
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


def _read_button(article: Article) -> list[str]:
    """What stands for the button; not in the article's own text, which is for searching too."""
    if not article.read_button:
        return []
    about = "It is up to you. We count how many people at each agency say so, and show"
    return [
        "",
        f"I have read this: {_mark(READ + article.id)}",
        f"({about}",
        "nobody's name.)",
    ]


def _mark(name: str) -> str:
    return f"{_OPEN}{name}{_CLOSE}"


def _rule(title: str) -> list[str]:
    return [*_wrapped(title), "-" * min(WIDTH, len(title))]


def _wrapped(text: str, first: str = "", width: int = WIDTH) -> list[str]:
    """Text in lines of at most `width`, words and URLs whole; `first` begins the first line."""
    if len(first) + len(text) <= width and "\n" not in text and "  " not in text:
        return [first + text.strip(" ")] if text.strip(" ") else []
    rest = " " * len(first)
    lines: list[str] = []
    for part in text.split("\n"):
        line, left = rest if lines else first, _single_spaced(part)
        while (room := max(width - len(line), 0)) < len(left):
            end = left.rfind(" ", 0, room + 1)
            if end < 0:  # a word that fits no line
                end = left.find(" ", room)
            if end < 0:
                break
            lines.append(line + left[:end])
            line, left = rest, left[end + 1 :]
        if left or line.strip(" "):
            lines.append((line + left).rstrip(" "))
    return lines


def _single_spaced(text: str) -> str:
    """Text with one space between its words and none around them; no other sign is a space."""
    text = text.strip(" ")
    return " ".join(filter(None, text.split(" "))) if "  " in text else text


def _indented(lines: Iterable[str], mark: str) -> list[str]:
    return [(mark + line).rstrip() for line in lines]
