"""What each agency gets of an issue, and in what its version differs from the default one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.compiling.tailoring import Tailor, Tailored
from newsletter_mailer.findings import brief
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.document import Action, Actions, Article, Issue, Only, walk
from newsletter_mailer.reading.inline import plain_text

_LONGEST = 70
"""Characters of a title or an action in a table."""

WHOLE, PART, FIRST, NONE = "whole", "part", "first", "none"
"""How an agency gets an article: all of it, a part, among its first, or not at all."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a version has, lacks, moves or says in its own way."""

    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class Row:
    """An article or one of its actions, and how each agency gets it, in the registry's order."""

    kind: str
    title: str
    article: str
    cells: tuple[str, ...]


class Given:
    """What every agency is given of an issue."""

    def __init__(self, issue: Issue, registry: Registry) -> None:
        tailor = Tailor(issue)
        self._issue = issue
        self._registry = registry
        self.by_agency: Mapping[str, Tailored] = {
            agency.id: tailor.tailor(agency.id) for agency in registry.agencies
        }
        self.default = self.by_agency[registry.default.id]

    def articles(self, email: CompiledEmail) -> list[str]:
        """The articles of a version, in its order."""
        return [article.id for article in self.by_agency[email.agencies[0]].every_article]

    def differences(self, email: CompiledEmail) -> list[Difference]:
        """In what a version differs from the one of the default agency."""
        return list(_differences(self.by_agency[email.agencies[0]], self.default))

    def coverage(self) -> list[Row]:
        """Which article and action reaches whom, in the order of the issue."""
        rows: list[Row] = []
        for article in self._issue.every_article:
            cells = tuple(self._article_cell(article, id_) for id_ in self.by_agency)
            rows.append(Row("article", _title(article), article.id, cells))
            for block in walk(article.blocks):
                if isinstance(block, Actions):
                    rows += [self._action_row(article, action) for action in block.actions]
        return rows

    def _article_cell(self, article: Article, agency: str) -> str:
        form = next(
            (a for a in self.by_agency[agency].every_article if a.id == article.id),
            None,
        )
        if form is None:
            return NONE
        if agency in article.first_for:
            return FIRST
        parts = [block for block in walk(article.blocks) if isinstance(block, Only)]
        return PART if any(agency not in part.agencies for part in parts) else WHOLE

    def _action_row(self, article: Article, action: Action) -> Row:
        cells = tuple(
            WHOLE
            if any(
                mine.article_id == article.id and mine.content == action.content
                for mine in given.actions
            )
            else NONE
            for given in self.by_agency.values()
        )
        return Row("action", brief(plain_text(action.content), _LONGEST), article.id, cells)


def _differences(mine: Tailored, default: Tailored) -> Iterator[Difference]:
    ours = {article.id: article for article in mine.every_article}
    theirs = {article.id: article for article in default.every_article}
    for id_, article in ours.items():
        if id_ not in theirs:
            yield Difference("more", _title(article))
    for id_, article in theirs.items():
        if id_ not in ours:
            yield Difference("less", _title(article))
    common = [id_ for id_ in ours if id_ in theirs]
    for id_ in common:
        if ours[id_].blocks != theirs[id_].blocks and not _only_actions(ours[id_], theirs[id_]):
            yield Difference("other", _title(ours[id_]))
    before = [id_ for id_ in theirs if id_ in ours]
    if common != before:
        moved = next(id_ for id_, other in zip(common, before, strict=True) if id_ != other)
        yield Difference("first", _title(ours[moved]))
    if mine.actions != default.actions:
        yield Difference("actions", _counted(len(mine.actions), len(default.actions)))


def _only_actions(one: Article, other: Article) -> bool:
    """Whether two forms of an article differ in their actions only; those are told apart."""
    return [b for b in one.blocks if not isinstance(b, Actions)] == [
        b for b in other.blocks if not isinstance(b, Actions)
    ]


def _counted(mine: int, theirs: int) -> str:
    if mine == theirs:
        return f"{mine}, but not the same"
    return f"{mine}, where the default has {theirs}"


def _title(article: Article) -> str:
    return brief(plain_text(article.title), _LONGEST)
