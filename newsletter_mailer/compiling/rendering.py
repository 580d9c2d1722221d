"""Rendering: what an agency gets of an issue becomes the MJML of its mail.

What does not depend on the agency is rendered once an issue, an article once a form of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby

from markupsafe import Markup

from newsletter_mailer.compiling.article_text import Written
from newsletter_mailer.compiling.calendar import calendar_url
from newsletter_mailer.compiling.inlining import Inliner
from newsletter_mailer.compiling.merge import IMAGE, READ, WEB_URL
from newsletter_mailer.compiling.mjml import SLOT, slot
from newsletter_mailer.compiling.rich_text import RICH, blocks_html, heading_html, inline_html
from newsletter_mailer.compiling.sections import (
    Columns,
    Piece,
    TextRun,
    joined,
    runs,
    sections,
)
from newsletter_mailer.compiling.tailoring import AddressedAction, Tailored
from newsletter_mailer.compiling.templates import Templates
from newsletter_mailer.compiling.wording import (
    full_date,
    issue_date,
    reading_minutes,
    short_date,
    times,
)
from newsletter_mailer.reading.document import (
    Article,
    Block,
    Blocks,
    Button,
    Event,
    Image,
    Issue,
    Text,
)
from newsletter_mailer.settings import Settings

_AROUND = ("web-link", "masthead", "footer")
"""The parts around a mail's body; they know the issue's names and `minutes`, nothing else."""


@dataclass(frozen=True, slots=True)
class Mjml:
    """A mail's MJML: a skeleton, and by their names the parts for its slots."""

    skeleton: str
    parts: Mapping[str, str]

    def __str__(self) -> str:
        return SLOT.sub(lambda match: self.parts[match[1]], self.skeleton)


@dataclass(frozen=True, slots=True)
class Frame:
    """What every mail of an issue shares."""

    issue: Issue
    names: Mapping[str, object]
    """What templates know of the issue."""
    around: dict[int, Mapping[str, str]] = field(default_factory=dict)
    """The parts around a body, by the minutes that it takes to read."""
    pieces: dict[tuple[int, ...], tuple[Blocks, Piece]] = field(default_factory=dict)
    """What runs of blocks became, by their level and identity: variants have them in common.

    The blocks stand beside it, so that no other can get the identity of one.
    """
    written: Written = field(default_factory=dict)
    """The same for the plain text."""


class Renderer:
    """Renders mails with the templates and settings of a project."""

    def __init__(self, settings: Settings, logo: Image | None) -> None:
        self._settings = settings
        self._templates = Templates(
            settings,
            {
                "inline": inline_html,
                "rich": self._rich,
                "heading": heading_html,
                "as_text": lambda words: (Text(words),),
                "inlined": self._inlined,
                "logo": logo,
                "entry": self._entry,
                "image_slot": lambda image: Markup("{{%s%s}}") % (IMAGE, image.name),
                "read_slot": lambda article: Markup("{{%s%s}}") % (READ, article.id),
            },
            {
                "columns": lambda piece: isinstance(piece, Columns),
            },
        )
        self.inliner = Inliner(self._templates.rich_css)
        self._articles: dict[tuple[str, Article, str, bool], tuple[Piece, ...]] = {}
        self._entries: dict[Article, Markup] = {}
        self._skeletons: dict[object, str] = {}

    def frame(self, issue: Issue, *, web: bool) -> Frame:
        """What every mail of an issue shares; with `web`, every page for the archive."""
        head = issue.head
        names: dict[str, object] = {
            "web": web,
            "head": head,
            "title": f"{head.title}, issue {head.number}, {issue_date(head)}",
            "preheader": inline_html(issue.preheader),
            "preheader_text": head.preheader,
            "when": issue_date(head),
            "web_url": f"{{{{{WEB_URL}}}}}",
        }
        return Frame(issue, names)

    def mail(
        self, frame: Frame, tailored: Tailored, words: Mapping[str, int], picture: Image | None
    ) -> Mjml:
        """The MJML of a mail. `words` has each article's length by its id."""
        minutes = reading_minutes(sum(words.values()))
        names = {
            **frame.names,
            "picture": picture,
            "tailored": tailored,
            "groups": _by_article(tailored.actions),
            "minutes": minutes,
            "lengths": {id_: reading_minutes(count) for id_, count in words.items()},
        }
        top, contents = (
            (TextRun(self._flow(f"{name}.html", names)),) for name in ("top", "contents")
        )
        opening = self._article(frame, tailored.opening, "lead") if tailored.opening else ()
        articles = (self._article(frame, article, "title") for article in tailored.articles)
        parts = dict(self._around(frame, minutes))
        slots: list[Columns | str] = []
        for section in sections([top, opening, contents, *articles]):
            if isinstance(section[0], Columns):
                slots.append(section[0])
            else:
                name = str(len(slots))
                slots.append(name)
                parts[name] = "".join(
                    piece.tokens for piece in section if isinstance(piece, TextRun)
                )
        return Mjml(self._skeleton(frame, names, tuple(slots)), parts)

    def _around(self, frame: Frame, minutes: int) -> Mapping[str, str]:
        if minutes not in frame.around:
            names = {**frame.names, "minutes": minutes}
            frame.around[minutes] = {name: self._flow(f"{name}.html", names) for name in _AROUND}
        return frame.around[minutes]

    def _skeleton(
        self, frame: Frame, names: Mapping[str, object], slots: tuple[Columns | str, ...]
    ) -> str:
        """A mail's MJML with slots for its text, which mails of the same build share."""
        key = (frame.issue.head, names["web"], names["web"] and names["picture"], slots)
        if key not in self._skeletons:
            part = {"part": lambda name: Markup(slot(name)), "sections": slots}  # noqa: S704 - a slot
            self._skeletons[key] = self._templates.render("newsletter.mjml", {**names, **part})
        return self._skeletons[key]

    def _flow(self, template: str, names: Mapping[str, object]) -> Markup:
        """A token for a template of rich text, with the CSS written into its elements later."""
        return self._inlined(self._templates.render(template, names))

    def _inlined(self, html: Markup) -> Markup:
        return Markup(self.inliner.add(str(html)))  # noqa: S704 - a token for escaped HTML

    def _article(self, frame: Frame, article: Article, look: str) -> tuple[Piece, ...]:
        # On a page for anybody there is nobody to press it.
        asks = article.read_button and not frame.names["web"]
        key = (frame.issue.name, article, look, asks)
        if key not in self._articles:
            title = self._flow("article-head.html", {"article": article, "look": look})
            pieces: list[Piece] = [TextRun(title)]
            pieces += (self._piece(frame, level, run) for level, run in runs(article.blocks))
            if asks:
                pieces.append(TextRun(self._flow("read-button.html", {"article": article})))
            self._articles[key] = tuple(joined(pieces))
        return self._articles[key]

    def _piece(self, frame: Frame, level: int, run: Blocks) -> Piece:
        key = (level, *map(id, run))
        if key not in frame.pieces:
            frame.pieces[key] = (run, self._rendered(frame.issue, level, run))
        return frame.pieces[key][1]

    def _rendered(self, issue: Issue, level: int, run: Blocks) -> Piece:
        first = run[0]
        if isinstance(first, RICH):
            return TextRun(self._inlined(blocks_html(run)))
        names = {"level": level + 1, **self._names_of(issue, first)}
        if first.kind in self._templates.text_kinds:
            return TextRun(self._flow(f"blocks/{first.kind}.html", names))
        return Columns(self._templates.render(f"blocks/{first.kind}.columns.mjml", names))

    def _entry(self, article: Article, minutes: int) -> Markup:
        """An article's line in the contents, which the variants share."""
        if article not in self._entries:
            names = {"item": article, "minutes": minutes}
            html = self._templates.render("contents-entry.html", names)
            self._entries[article] = Markup(self.inliner.add_inner(str(html)))  # noqa: S704 - a token
        return self._entries[article]

    def _names_of(self, issue: Issue, block: Block) -> dict[str, object]:
        """What a block's template knows."""
        names: dict[str, object] = {"block": block}

        def flow(template: str, **more: object) -> Markup:
            return self._flow(f"blocks/{template}", {**names, **more})

        names["flow"] = flow
        if isinstance(block, Event):
            names["dates"] = [
                {
                    "month": date.day.strftime("%b"),
                    "day": date.day.day,
                    "words": full_date(date.day),
                    "short": short_date(date.day),
                    "times": times(date),
                    "url": calendar_url(self._settings, issue.name, block, date),
                }
                for date in block.dates
            ]
        return names

    def _rich(self, blocks: Blocks) -> Markup:
        """Text inside a box; a button there is a link that stands out."""
        parts = []
        for block in blocks:
            if isinstance(block, Button):
                parts.append(self._templates.render("blocks/button.html", {"block": block}))
            else:
                parts.append(blocks_html((block,)))
        return Markup("").join(parts)


def _by_article(actions: tuple[AddressedAction, ...]) -> list[tuple[AddressedAction, ...]]:
    """Actions in groups that come from one article."""
    return [tuple(group) for _, group in groupby(actions, key=lambda action: action.article_id)]
