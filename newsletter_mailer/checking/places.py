"""Where what a mail shows comes from: the issue's files, else a template."""

import re
from collections.abc import Iterator, Mapping

from newsletter_mailer.checking.links.mentions import all_mentions
from newsletter_mailer.checking.template_lines import TemplateLines
from newsletter_mailer.findings import Place
from newsletter_mailer.reading.document import (
    Actions,
    Article,
    Callout,
    Cards,
    Compare,
    Event,
    Facts,
    Figure,
    Heading,
    Issue,
    KeyFigures,
    Quotes,
    walk,
)
from newsletter_mailer.reading.inline import plain_text
from newsletter_mailer.settings import Settings


class Places:
    """The places of an issue's headings, links and pictures, and of its templates' tags."""

    def __init__(self, issue: Issue, settings: Settings) -> None:
        self.template = TemplateLines(settings, ".mjml", ".html").place
        self._headings: dict[str, Place] = {}
        self._links: dict[tuple[str, str], Place] = {}
        self._targets: dict[str, Place] = {}
        for article in issue.every_article:
            for words, place in _headings(article):
                self._headings.setdefault(_shut(words), place)
        for mention in all_mentions(issue):
            self._links.setdefault((mention.url, _shut(mention.words)), mention.place)
            self._targets.setdefault(mention.url, mention.place)
        self.figures: Mapping[str, Place] = {
            block.image.name: block.place
            for article in issue.every_article
            for block in walk(article.blocks)
            if isinstance(block, Figure)
        }

    def heading(self, words: str) -> Place:
        """Where a heading stands."""
        return self._headings.get(_shut(words)) or self.template(f">{re.escape(words)}<")

    def link(self, target: str, words: str) -> Place:
        """Where a link stands."""
        place = self._links.get((target, _shut(words))) or self._targets.get(target)
        return place or self.template(f">{re.escape(words)}</a>", re.escape(f'href="{target}"'))


def _headings(article: Article) -> Iterator[tuple[str, Place]]:
    """The words that head an article and its parts, each with the place where they begin."""
    yield plain_text(article.title), article.place
    for block in walk(article.blocks):
        match block:
            case Heading():
                yield plain_text(block.content), block.place
            case Event():
                yield block.title, block.place
            case Quotes() | Facts() | KeyFigures() | Callout() | Actions():
                yield plain_text(block.title), block.place
            case Compare() | Cards():
                for panel in block.panels:
                    yield plain_text(panel.title), block.place
            case _:
                pass


def _shut(words: str) -> str:
    """Words without white space, in which the tree and the HTML may differ."""
    return re.sub(r"\s+", "", words)
