"""Where in a mail a line of an issue's files is to be found.

A mail has the id of each article on its title, and nothing finer: nothing is added to it for
the preview's sake. So a place is an article, and words or a link to look for behind its title.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from newsletter_mailer.checking.links.mentions import GAP, mentions, passages
from newsletter_mailer.findings import Place
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.document import Actions, Blocks, Issue, Only, inner_blocks

_LONGEST = 60
"""Characters of words to look for."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where to look: in an article (empty: at the mail's top), for words or for a link.

    `readers` are the agencies that get it; None where everyone does.
    """

    article: str
    words: str = ""
    url: str = ""
    readers: tuple[str, ...] | None = None


class Anchors:
    """Finds the anchors of places in one issue."""

    def __init__(self, issue: Issue, registry: Registry) -> None:
        self._order = tuple(registry.by_id)
        everyone = frozenset(self._order)
        self._articles = {article.place.file: article.id for article in issue.every_article}
        self._links = [(mention.place, mention.url) for mention in mentions(issue)]
        self._words: dict[str, list[tuple[int, str]]] = {}
        for passage in passages(issue):
            start = passage.text.split(GAP)[0].strip() or passage.text.replace(GAP, " ").strip()
            here = self._words.setdefault(passage.place.file, [])
            here.append((passage.place.line, start[:_LONGEST].strip()))
        self._readers: dict[str, list[tuple[int, frozenset[str]]]] = {}
        for article in issue.every_article:
            mine = everyone if article.only_for is None else article.only_for
            here_ = self._readers.setdefault(article.place.file, [(0, mine)])
            here_ += ((place.line, readers) for place, readers in _narrowed(article.blocks, mine))

    def of(self, place: Place, found: str = "") -> Anchor:
        """Where a place is in the mail. `found` is what was found there: it may quote a link."""
        article = self._articles.get(place.file)
        if article is None:
            return Anchor("")
        url = max((url for at, url in self._links if at == place and url in found), default="")
        words, nearest = "", 0
        for line, start in self._words.get(place.file, ()):
            # Of several passages on one line the first says what begins there.
            if start and nearest < line <= place.line:
                words, nearest = start, line
        return Anchor(article, words, url, self._readers_at(place))

    def _readers_at(self, place: Place) -> tuple[str, ...] | None:
        here = [readers for line, readers in self._readers[place.file] if line <= place.line]
        readers = here[-1] if here else frozenset(self._order)
        if len(readers) == len(self._order) or not readers:
            return None
        return tuple(id_ for id_ in self._order if id_ in readers)


def _narrowed(blocks: Blocks, readers: frozenset[str]) -> Iterator[tuple[Place, frozenset[str]]]:
    """The agencies that get each block, in the order of the file."""
    for block in blocks:
        if isinstance(block, Only):
            yield from _narrowed(block.blocks, readers & block.agencies)
            continue
        yield block.place, readers
        if isinstance(block, Actions):
            for action in block.actions:
                yield action.place, readers & action.agencies
        for inner in inner_blocks(block):
            yield from _narrowed(inner, readers)
