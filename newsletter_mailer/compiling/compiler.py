"""The compiler: an issue becomes one mail for each group of agencies that get the same."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TypeVar

from markupsafe import Markup

from newsletter_mailer.compiling.calendar import CalendarFile, calendar_files, file_name
from newsletter_mailer.compiling.email import CompiledEmail, WebPage
from newsletter_mailer.compiling.inlining import TOKEN, Inliner, token
from newsletter_mailer.compiling.merge import IMAGE, Segments, for_html
from newsletter_mailer.compiling.mjml import to_html
from newsletter_mailer.compiling.plain_text import ArticleText, article_text, mail_text
from newsletter_mailer.compiling.rich_text import blocks_html, heading_html, inline_html
from newsletter_mailer.compiling.sections import Columns, Piece, TextRun, pieces, sections
from newsletter_mailer.compiling.tailoring import AddressedAction, Tailored, group
from newsletter_mailer.compiling.templates import Templates
from newsletter_mailer.compiling.wording import (
    full_date,
    issue_date,
    reading_minutes,
    short_date,
    times,
)
from newsletter_mailer.errors import SettingsError
from newsletter_mailer.findings import Finding, Place
from newsletter_mailer.reading.agencies import Agency, Registry
from newsletter_mailer.reading.document import (
    Article,
    Block,
    Blocks,
    Button,
    Event,
    EventDate,
    Figure,
    Image,
    Issue,
    Text,
    walk,
)
from newsletter_mailer.reading.headers import IssueHead
from newsletter_mailer.reading.images import Images
from newsletter_mailer.reading.inline import plain_text
from newsletter_mailer.settings import SETTINGS_FILE, Settings

_SLOT = re.compile("\ue002([^\ue003]+)\ue003")

Found = TypeVar("Found", Event, Figure)


@dataclass(frozen=True, slots=True)
class Source:
    """A variant before MJML: what its agencies get, and the MJML that says it."""

    tailored: Tailored
    agencies: tuple[Agency, ...]
    mjml: str


class Compiler:
    """Compiles issues with the templates and settings of a project.

    It remembers what it has rendered, so compiling an issue again after a small edit
    costs little. It is not for use from several threads at once.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._logo = _logo(settings)
        self._templates = Templates(
            settings,
            {
                "inline": inline_html,
                "rich": self._rich,
                "heading": heading_html,
                "as_text": lambda words: (Text(words),),
                "inlined": self._inlined,
                "logo": self._logo,
                "entry": self._entry,
                "image_slot": lambda image: Markup("{{%s%s}}") % (IMAGE, image.name),
            },
            {
                "columns": lambda piece: isinstance(piece, Columns),
            },
        )
        self._inliner = Inliner(self._templates.rich_css)
        self._articles: dict[tuple[str, Article, str], tuple[Piece, ...]] = {}
        self._pages: dict[str, str] = {}
        self._skeletons: dict[object, str] = {}
        self._entries: dict[Article, Markup] = {}
        self._blocks: dict[Article, tuple[Event | Figure, ...]] = {}
        self._calendar_files: dict[tuple[IssueHead, Event], tuple[CalendarFile, ...]] = {}
        self._texts: dict[tuple[str, Article], ArticleText] = {}

    def compile(self, issue: Issue, registry: Registry) -> tuple[CompiledEmail, ...]:
        """Every variant of an issue, in the order of the registry.

        Raises:
            TemplateError: a template cannot be rendered.
            CompileError: the toolchain refused or would have damaged a mail.
        """
        # All templates first: what they collect for inlining is then inlined together.
        sources = self.sources(issue, registry)
        return tuple(self._email(issue, source, self._page(source.mjml)) for source in sources)

    def web_pages(self, issue: Issue, registry: Registry) -> tuple[WebPage, ...]:
        """Every variant as a page for the archive: for anybody, so with nobody's data in it."""
        sources = self.sources(issue, registry, web=True)
        return tuple(self._web_page(issue, source) for source in sources)

    def sources(self, issue: Issue, registry: Registry, *, web: bool = False) -> list[Source]:
        """The MJML of every variant, its rich text still to be put in place."""
        return [
            Source(tailored, agencies, self._mjml(issue, tailored, agencies, web=web))
            for tailored, agencies in group(issue, registry).items()
        ]

    def resolved(self, source: Source) -> str:
        """The MJML of a variant with its rich text in place, as MJML's own tools read it."""
        return self._inliner.resolve(source.mjml)

    def _page(self, mjml: str) -> str:
        """The HTML of a mail. Variants whose MJML differs in its tokens only share the work."""
        tokens: list[str] = []

        def numbered(match: re.Match[str]) -> str:
            tokens.append(match[0])
            return token(len(tokens) - 1)

        shape = TOKEN.sub(numbered, mjml)
        if shape not in self._pages:
            self._pages[shape] = to_html(shape)
        page = TOKEN.sub(lambda match: tokens[int(match[1])], self._pages[shape])
        return self._inliner.resolve(page)

    def _email(self, issue: Issue, source: Source, html: str) -> CompiledEmail:
        tailored, agencies = source.tailored, source.agencies
        texts = self._texts_of(issue, tailored)
        return CompiledEmail(
            name=agencies[0].id,
            agencies=tuple(agency.id for agency in agencies),
            subject=Segments.of(plain_text(issue.subject)),
            html=Segments.of(html),
            text=mail_text(issue, tailored, texts, self._web_url(issue, agencies), self._settings),
            images=self._images(tailored),
            calendars=tuple(self._calendars(issue, tailored)),
        )

    def _images(self, tailored: Tailored) -> tuple[Image, ...]:
        """Every picture of a mail, once, the logo first."""
        logo = {self._logo.name: self._logo} if self._logo else {}
        figures = {figure.image.name: figure.image for figure in self._found(Figure, tailored)}
        return tuple({**logo, **figures}.values())

    def _calendars(self, issue: Issue, tailored: Tailored) -> Iterator[CalendarFile]:
        for event in self._found(Event, tailored):
            key = (issue.head, event)
            if key not in self._calendar_files:
                self._calendar_files[key] = calendar_files(event, issue.head, self._settings)
            yield from self._calendar_files[key]

    def _found(self, kind: type[Found], tailored: Tailored) -> Iterator[Found]:
        """Every block of a kind, wherever it stands."""
        for article in tailored.every_article:
            if article not in self._blocks:
                self._blocks[article] = tuple(
                    block for block in walk(article.blocks) if isinstance(block, Event | Figure)
                )
            yield from (block for block in self._blocks[article] if isinstance(block, kind))

    def _web_page(self, issue: Issue, source: Source) -> WebPage:
        html = self._page(source.mjml)
        # The first of each is the element around everything.
        html = html.replace('role="article"', 'role="main"', 1)
        html = html.replace(' aria-roledescription="email"', "", 1)
        home = f"{self._settings.base_url}/"
        values = {
            "agency_name": source.agencies[0].name,
            "preferences_url": home,
            "unsubscribe_url": home,
            "email": "your address",
            **dict.fromkeys(("first_name", "name"), self._settings.greeting.fallback_name),
        }
        pictures = f"{self._settings.base_url}/archive/{issue.name}/images/"
        settled = Segments.of(html).settle(
            lambda name: pictures + name.removeprefix(IMAGE) if name.startswith(IMAGE) else None
        )
        return WebPage(
            source.agencies[0].id,
            tuple(agency.id for agency in source.agencies),
            settled.fill(for_html(values)),
        )

    def _mjml(
        self, issue: Issue, tailored: Tailored, agencies: tuple[Agency, ...], *, web: bool
    ) -> str:
        picture = next(self._found(Figure, tailored), None)
        texts = self._texts_of(issue, tailored)
        context: dict[str, object] = {
            "web": web,
            "picture": picture.image if picture else None,
            "head": issue.head,
            "tailored": tailored,
            "title": f"{issue.head.title}, issue {issue.head.number}, {issue_date(issue.head)}",
            "preheader": inline_html(issue.preheader),
            "preheader_text": issue.head.preheader,
            "when": issue_date(issue.head),
            "groups": _by_article(tailored.actions),
            "minutes": reading_minutes(sum(text.words for text in texts.values())),
            "lengths": {id_: reading_minutes(text.words) for id_, text in texts.items()},
            "web_url": self._web_url(issue, agencies),
        }
        top, contents = (
            (TextRun(self._templates.render(name, **context)),)
            for name in ("top.html", "contents.html")
        )
        opening = self._article(issue, tailored.opening, "lead") if tailored.opening else ()
        articles = (self._article(issue, article, "title") for article in tailored.articles)
        body = sections([top, opening, contents, *articles])
        parts = {
            name: str(self._flow(context, f"{name}.html"))
            for name in ("web-link", "masthead", "footer")
        }
        slots: list[Columns | str] = []
        for section in body:
            if isinstance(section[0], Columns):
                slots.append(section[0])
            else:
                slot = str(len(slots))
                slots.append(slot)
                parts[slot] = "".join(
                    self._inlined(piece.html) for piece in section if isinstance(piece, TextRun)
                )
        skeleton = self._skeleton(context, tuple(slots))
        return _SLOT.sub(lambda match: parts[match[1]], skeleton)

    def _skeleton(self, context: dict[str, object], slots: tuple[Columns | str, ...]) -> str:
        """A mail's MJML with slots for its text, which mails of the same build share."""
        web = bool(context["web"])
        key = (context["head"], slots, context["web_url"] if web else None)
        if key not in self._skeletons:
            self._skeletons[key] = str(
                self._templates.render(
                    "newsletter.mjml",
                    **context,
                    part=lambda name: Markup(f"\ue002{name}\ue003"),  # noqa: S704 - a slot
                    sections=slots,
                )
            )
        return self._skeletons[key]

    def _texts_of(self, issue: Issue, tailored: Tailored) -> dict[str, ArticleText]:
        texts: dict[str, ArticleText] = {}
        for article in tailored.every_article:
            key = (issue.name, article)
            if key not in self._texts:
                self._texts[key] = article_text(article, partial(self._calendar_url, issue))
            texts[article.id] = self._texts[key]
        return texts

    def _calendar_url(self, issue: Issue, event: Event, date: EventDate) -> str:
        base = self._settings.base_url
        return f"{base}/archive/{issue.name}/events/{file_name(event, date)}"

    def _web_url(self, issue: Issue, agencies: tuple[Agency, ...]) -> str:
        return f"{self._settings.base_url}/archive/{issue.name}/{agencies[0].id}"

    def _flow(self, context: dict[str, object], template: str, **more: object) -> Markup:
        """A template of rich text, with the CSS written into its elements later."""
        return self._inlined(self._templates.render(template, **{**context, **more}))

    def _inlined(self, html: Markup) -> Markup:
        return Markup(self._inliner.add(str(html)))  # noqa: S704 - a token for escaped HTML

    def _article(self, issue: Issue, article: Article, look: str) -> tuple[Piece, ...]:
        key = (issue.name, article, look)
        if key not in self._articles:
            title = self._templates.render("article-head.html", article=article, look=look)
            context = partial(self._block_context, issue)
            self._articles[key] = pieces(article, title, self._templates, context)
        return self._articles[key]

    def _entry(self, article: Article, minutes: int) -> Markup:
        """An article's line in the contents, which the variants share."""
        if article not in self._entries:
            self._entries[article] = self._templates.render(
                "contents-entry.html", item=article, minutes=minutes
            )
        return self._entries[article]

    def _block_context(self, issue: Issue, block: Block) -> dict[str, object]:
        context: dict[str, object] = {"block": block}

        def flow(template: str, **more: object) -> Markup:
            return self._flow({**context, **more}, f"blocks/{template}")

        context["flow"] = flow
        if isinstance(block, Event):
            context["dates"] = [
                {
                    "month": date.day.strftime("%b"),
                    "day": date.day.day,
                    "words": full_date(date.day),
                    "short": short_date(date.day),
                    "times": times(date),
                    "url": self._calendar_url(issue, block, date),
                }
                for date in block.dates
            ]
        return context

    def _rich(self, blocks: Blocks) -> Markup:
        """Text inside a box; a button there is a link that stands out."""
        parts = []
        for block in blocks:
            if isinstance(block, Button):
                parts.append(self._templates.render("blocks/button.html", block=block))
            else:
                parts.append(blocks_html((block,)))
        return Markup("").join(parts)


def _logo(settings: Settings) -> Image | None:
    """The picture of the masthead, if the settings name one."""
    if settings.logo is None:
        return None
    findings: list[Finding] = []
    logo = Images(settings.root).get(settings.logo.file, Place(SETTINGS_FILE), findings)
    if logo is None:
        wrong = findings[0]
        raise SettingsError(
            f"{SETTINGS_FILE}: logo.file names {wrong.found}; expected {wrong.expected}. "
            f"{wrong.mend}"
        )
    return logo


def _by_article(actions: tuple[AddressedAction, ...]) -> list[tuple[AddressedAction, ...]]:
    """Actions in groups that come from one article."""
    return [tuple(group) for _, group in groupby(actions, key=lambda action: action.article_id)]
