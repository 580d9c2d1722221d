"""The compiler: an issue becomes one mail for each group of agencies that get the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from newsletter_mailer.compiling.article_text import ArticleText, article_text
from newsletter_mailer.compiling.calendar import CalendarFile, calendar_files, calendar_url
from newsletter_mailer.compiling.email import AgencyPage, CompiledEmail, WebPage
from newsletter_mailer.compiling.markup import attribute
from newsletter_mailer.compiling.merge import IMAGE, WEB_URL, Segments, for_html
from newsletter_mailer.compiling.mjml import SLOT, to_html
from newsletter_mailer.compiling.plain_text import mail_text
from newsletter_mailer.compiling.rendering import Frame, Mjml, Renderer
from newsletter_mailer.compiling.tailoring import Tailored, group
from newsletter_mailer.errors import SettingsError
from newsletter_mailer.findings import Finding, Place
from newsletter_mailer.reading.agencies import Agency, Registry
from newsletter_mailer.reading.document import (
    Article,
    Event,
    Figure,
    Image,
    Issue,
    walk,
)
from newsletter_mailer.reading.headers import IssueHead
from newsletter_mailer.reading.images import Images
from newsletter_mailer.reading.inline import plain_text
from newsletter_mailer.settings import SETTINGS_FILE, Settings


@dataclass(frozen=True, slots=True)
class Source:
    """A variant before MJML: what its agencies get, and the MJML that says it."""

    tailored: Tailored
    agencies: tuple[Agency, ...]
    texts: dict[str, ArticleText]
    attached: tuple[Event | Figure, ...]
    """What brings files along, wherever it stands."""
    rendered: Mjml

    @property
    def mjml(self) -> str:
        """The MJML, with tokens for its rich text."""
        return str(self.rendered)


@dataclass(frozen=True, slots=True)
class _Page:
    """The HTML of a skeleton, cut at its slots, and their names."""

    around: list[Segments]
    slots: list[str]


class Compiler:
    """Compiles issues with the templates and settings of a project.

    It remembers what it has rendered, so compiling an issue again after a small edit
    costs little. It is not for use from several threads at once.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._logo = _logo(settings)
        self._renderer = Renderer(settings, self._logo)
        self._pages: dict[str, _Page] = {}
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
        return tuple(self._email(issue, source) for source in self.sources(issue, registry))

    def compile_for(self, agency: str, issue: Issue, registry: Registry) -> CompiledEmail:
        """The variant that one agency gets, in less time than all of them take.

        Raises:
            TemplateError, CompileError: as `compile` does.
            KeyError: there is no such agency.
        """
        frame = self._renderer.frame(issue, web=False)
        for tailored, agencies in group(issue, registry).items():
            if any(each.id == agency for each in agencies):
                return self._email(issue, self._source(frame, tailored, agencies))
        raise KeyError(agency)

    def web_pages(self, issue: Issue, registry: Registry) -> tuple[WebPage, ...]:
        """Every variant as a page for the archive: for anybody, so with nobody's data in it."""
        sources = self.sources(issue, registry, web=True)
        return tuple(self._web_page(issue, source) for source in sources)

    def agency_pages(self, issue: Issue, registry: Registry) -> Iterator[AgencyPage]:
        """Every agency's page for the archive, those of one variant together."""
        for source in self.sources(issue, registry, web=True):
            html = self._web_html(issue, source)
            for agency in source.agencies:
                yield AgencyPage(
                    agency.id,
                    source.agencies[0].id,
                    self._for_anybody(html, agency),
                    source.tailored.every_article,
                    {id_: text.text for id_, text in source.texts.items()},
                )

    def sources(self, issue: Issue, registry: Registry, *, web: bool = False) -> list[Source]:
        """The MJML of every variant, its rich text still to be put in place."""
        frame = self._renderer.frame(issue, web=web)
        return [
            self._source(frame, tailored, agencies)
            for tailored, agencies in group(issue, registry).items()
        ]

    def resolved(self, issue: Issue, source: Source) -> str:
        """The MJML of a variant with its rich text in place, as MJML's own tools read it."""
        text = Segments.of(self._renderer.inliner.resolve(source.mjml))
        return str(self._settled(issue, source, text))

    def _source(self, frame: Frame, tailored: Tailored, agencies: tuple[Agency, ...]) -> Source:
        texts = self._texts_of(frame, tailored)
        words = {id_: text.words for id_, text in texts.items()}
        attached = tuple(
            block for article in tailored.every_article for block in self._attached(article)
        )
        pictures = (block.image for block in attached if isinstance(block, Figure))
        mjml = self._renderer.mail(frame, tailored, words, next(pictures, None))
        return Source(tailored, agencies, texts, attached, mjml)

    def _page(self, issue: Issue, source: Source) -> Segments:
        """The HTML of a mail. MJML sees a skeleton once, for all variants that share it."""
        skeleton, parts = source.rendered.skeleton, source.rendered.parts
        resolve = self._renderer.inliner.resolve
        if skeleton not in self._pages:
            cut = SLOT.split(resolve(to_html(skeleton)))
            self._pages[skeleton] = _Page([Segments.of(html) for html in cut[::2]], cut[1::2])
        page = self._pages[skeleton]
        pieces = [page.around[0]]
        for name, html in zip(page.slots, page.around[1:], strict=True):
            pieces += [Segments.of(resolve(parts[name])), html]
        return self._settled(issue, source, Segments.joined(pieces))

    def _settled(self, issue: Issue, source: Source, text: Segments) -> Segments:
        """A mail that knows the address of its web page."""
        address = str(attribute(self._web_url(issue, source)))
        return text.settle(lambda name: address if name == WEB_URL else None)

    def _email(self, issue: Issue, source: Source) -> CompiledEmail:
        tailored, agencies = source.tailored, source.agencies
        web_url = self._web_url(issue, source)
        return CompiledEmail(
            name=agencies[0].id,
            agencies=tuple(agency.id for agency in agencies),
            subject=Segments.of(plain_text(issue.subject)),
            html=self._page(issue, source),
            text=mail_text(issue, tailored, source.texts, web_url, self._settings),
            images=self._images(source),
            calendars=tuple(self._calendars(issue, source)),
        )

    def _images(self, source: Source) -> tuple[Image, ...]:
        """Every picture of a mail, once, the logo first."""
        pictures = [block.image for block in source.attached if isinstance(block, Figure)]
        logo = [self._logo] if self._logo else []
        return tuple({image.name: image for image in (*logo, *pictures)}.values())

    def _calendars(self, issue: Issue, source: Source) -> Iterator[CalendarFile]:
        for event in source.attached:
            if isinstance(event, Event):
                key = (issue.head, event)
                if key not in self._calendar_files:
                    self._calendar_files[key] = calendar_files(event, issue.head, self._settings)
                yield from self._calendar_files[key]

    def _attached(self, article: Article) -> tuple[Event | Figure, ...]:
        if article not in self._blocks:
            self._blocks[article] = tuple(
                block for block in walk(article.blocks) if isinstance(block, (Event, Figure))
            )
        return self._blocks[article]

    def _web_page(self, issue: Issue, source: Source) -> WebPage:
        return WebPage(
            source.agencies[0].id,
            tuple(agency.id for agency in source.agencies),
            self._for_anybody(self._web_html(issue, source), source.agencies[0]),
        )

    def _web_html(self, issue: Issue, source: Source) -> Segments:
        """A page for the archive, open at the merge fields."""
        html = str(self._page(issue, source))
        # The first of each is the element around everything.
        html = html.replace('role="article"', 'role="main"', 1)
        html = html.replace(' aria-roledescription="email"', "", 1)
        pictures = f"{self._settings.base_url}/archive/{issue.name}/images/"
        return Segments.of(html).settle(
            lambda name: pictures + name.removeprefix(IMAGE) if name.startswith(IMAGE) else None
        )

    def _for_anybody(self, html: Segments, agency: Agency) -> str:
        """A page as anybody at an agency may see it."""
        home = f"{self._settings.base_url}/"
        values = {
            "agency_name": agency.name,
            "preferences_url": home,
            "unsubscribe_url": home,
            "email": "your address",
            **dict.fromkeys(("first_name", "name"), self._settings.greeting.fallback_name),
        }
        return html.fill(for_html(values))

    def _texts_of(self, frame: Frame, tailored: Tailored) -> dict[str, ArticleText]:
        texts: dict[str, ArticleText] = {}
        for article in tailored.every_article:
            key = (frame.issue.name, article)
            if key not in self._texts:
                address = partial(calendar_url, self._settings, frame.issue.name)
                self._texts[key] = article_text(article, address, frame.written)
            texts[article.id] = self._texts[key]
        return texts

    def _web_url(self, issue: Issue, source: Source) -> str:
        return f"{self._settings.base_url}/archive/{issue.name}/{source.agencies[0].id}"


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
