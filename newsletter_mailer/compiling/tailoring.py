"""Tailoring: the part of an issue that one agency gets, in the order it gets it."""

import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from newsletter_mailer.reading.agencies import Agency, Registry
from newsletter_mailer.reading.document import (
    Action,
    Actions,
    Article,
    Block,
    Blocks,
    Callout,
    Inlines,
    Issue,
    ListBlock,
    Only,
    Quotation,
    Quote,
    walk,
)


@dataclass(frozen=True, slots=True)
class AddressedAction:
    """An action for the reader's agency, and the article it comes from."""

    content: Inlines
    article_id: str
    article_title: Inlines


@dataclass(frozen=True, slots=True)
class Tailored:
    """An issue as one agency gets it. Equal for agencies that get the same."""

    opening: Article | None
    articles: tuple[Article, ...]
    actions: tuple[AddressedAction, ...]

    @property
    def every_article(self) -> tuple[Article, ...]:
        """The opening, where there is one, and all articles."""
        return ((self.opening,) if self.opening else ()) + self.articles


class Tailor:
    """Tailors one issue. It remembers each form of an article, so agencies share them."""

    def __init__(self, issue: Issue) -> None:
        self._issue = issue
        self._forms: dict[tuple[str, tuple[bool, ...]], Article | None] = {}
        self._addressees = {
            article.id: tuple(_addressees(article.blocks)) for article in issue.every_article
        }

    def tailor(self, agency: str) -> Tailored:
        """What `agency` gets: what is for others left out, its own first, its actions gathered."""
        mine = [
            article
            for article in self._issue.articles
            if article.only_for is None or agency in article.only_for
        ]
        mine.sort(key=lambda article: _rank(article, agency))
        articles = tuple(form for article in mine if (form := self._form(article, agency)))
        opening = self._form(self._issue.opening, agency) if self._issue.opening else None
        tailored = Tailored(opening, articles, ())
        actions = tuple(
            AddressedAction(action.content, article.id, article.title)
            for article in tailored.every_article
            for block in article.blocks
            if isinstance(block, Actions)
            for action in block.actions
        )
        return replace(tailored, actions=actions)

    def _form(self, article: Article, agency: str) -> Article | None:
        """The article less what is for others; None where nothing is left.

        Two agencies that are addressed by the same parts get the same form.
        """
        addressed = tuple(agency in agencies for agencies in self._addressees[article.id])
        key = (article.id, addressed)
        if key not in self._forms:
            self._forms[key] = _kept(article, agency)
        return self._forms[key]


def tailor(issue: Issue, agency: str) -> Tailored:
    """What one agency gets of an issue."""
    return Tailor(issue).tailor(agency)


def group(issue: Issue, registry: Registry) -> Mapping[Tailored, tuple[Agency, ...]]:
    """What each agency gets, agencies with the same together, in the registry's order."""
    tailors = Tailor(issue)
    groups: dict[Tailored, list[Agency]] = {}
    for agency in registry.agencies:
        groups.setdefault(tailors.tailor(agency.id), []).append(agency)
    return {tailored: tuple(agencies) for tailored, agencies in groups.items()}


def _addressees(blocks: Blocks) -> Iterator[frozenset[str]]:
    """The agencies that each part of an article addresses."""
    for block in walk(blocks):
        if isinstance(block, Only):
            yield block.agencies
        elif isinstance(block, Actions):
            yield from (action.agencies for action in block.actions)


def _rank(article: Article, agency: str) -> int:
    if agency in article.first_for:
        return 0
    return 1 if article.only_for is not None else 2


def _kept(article: Article, agency: str) -> Article | None:
    """The article less what is for others; None where nothing is left.

    Whom it is for is dropped too: it must not make two equal articles differ.
    """
    blocks = _blocks(article.blocks, agency)
    if not blocks:
        return None
    return replace(article, blocks=blocks, only_for=None, first_for=frozenset())


def _blocks(blocks: Blocks, agency: str) -> Blocks:
    """The blocks for an agency: the very same ones, where nothing in them is for others."""
    kept: list[Block] = []
    for block in blocks:
        match block:
            case Only(agencies=agencies, blocks=inner):
                if agency in agencies:
                    kept.extend(_blocks(inner, agency))
            case Actions(actions=actions):
                mine: tuple[Action, ...] = tuple(a for a in actions if agency in a.agencies)
                if mine:
                    kept.append(replace(block, actions=mine))
            case Quotation() | Quote() | Callout():
                if inner := _blocks(block.blocks, agency):
                    same = inner is block.blocks
                    kept.append(block if same else replace(block, blocks=inner))
            case ListBlock(items=items):
                if left := tuple(inner for item in items if (inner := _blocks(item, agency))):
                    same = _are_same(left, items)
                    kept.append(block if same else replace(block, items=left))
            case _:
                kept.append(block)
    return blocks if _are_same(kept, blocks) else tuple(kept)


def _are_same(one: Sequence[object], other: Sequence[object]) -> bool:
    return len(one) == len(other) and all(map(operator.is_, one, other))
