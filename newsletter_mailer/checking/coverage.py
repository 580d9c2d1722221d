"""Coverage: whatever an issue says reaches somebody, and nobody is left with an empty part."""

from collections.abc import Iterator, Sequence

from newsletter_mailer.compiling.tailoring import tailor
from newsletter_mailer.findings import Finding, Severity
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.document import (
    Actions,
    Article,
    Block,
    Blocks,
    Heading,
    Inlines,
    Issue,
    Only,
    walk,
)
from newsletter_mailer.reading.inline import plain_text


def coverage(issue: Issue, registry: Registry) -> list[Finding]:
    """Parts that reach no agency, and agencies that a part leaves with nothing.

    Whom a part is for is narrowed by everything around it: `only gp` inside an article
    for schools reaches nobody.
    """
    everyone = frozenset(agency.id for agency in registry.agencies)
    findings: list[Finding] = []
    for article in issue.every_article:
        readers = everyone if article.only_for is None else article.only_for
        findings += _parts(article.blocks, readers)
        findings += _left_empty(article, readers, registry)
        findings += _pointless_order(article, readers)
    findings += _bare_headings(issue, registry)
    findings += [
        Finding(
            issue.place,
            "agency-without-article",
            f"no article for {registry.agency(agency).name}",
            "at least one article for every agency",
            "Give an article to everyone, or add the agency to one.",
        )
        for agency in sorted(everyone)
        if not tailor(issue, agency).articles
    ]
    return sorted(findings)


def _parts(blocks: Blocks, readers: frozenset[str]) -> Iterator[Finding]:
    for block in walk(blocks):
        if isinstance(block, Only) and not (block.agencies & _readers_of(block, blocks, readers)):
            yield Finding(
                block.place,
                "reaches-nobody",
                "a part that reaches no agency",
                "agencies that also get what is around it",
                "Name agencies that the article is for, or take the part out.",
            )
        if isinstance(block, Actions):
            here = _readers_of(block, blocks, readers)
            for action in block.actions:
                if not action.agencies & here:
                    yield Finding(
                        action.place,
                        "reaches-nobody",
                        f"the action {_short(action.content)!r}, which reaches no agency",
                        "agencies that also get the article",
                        "Address it to agencies that the article is for.",
                    )
                elif missed := action.agencies - here:
                    yield Finding(
                        action.place,
                        "action-misses",
                        f"an action addressed to {', '.join(sorted(missed))}, who do not get it",
                        "the article to be for them too",
                        "Widen whom the article or part is for, or address others.",
                        Severity.WARNING,
                    )


def _readers_of(wanted: Block, blocks: Blocks, readers: frozenset[str]) -> frozenset[str]:
    """Who gets the blocks around `wanted`."""
    for block in blocks:
        if block is wanted:
            return readers
        if isinstance(block, Only) and any(inner is wanted for inner in walk(block.blocks)):
            return _readers_of(wanted, block.blocks, readers & block.agencies)
    return readers


def _left_empty(article: Article, readers: frozenset[str], registry: Registry) -> Iterator[Finding]:
    """Agencies whose version of an article has no block."""
    if any(not isinstance(block, Only | Actions) for block in article.blocks):
        return
    reached: frozenset[str] = frozenset()
    for block in article.blocks:
        if isinstance(block, Only):
            reached |= block.agencies
        elif isinstance(block, Actions):
            reached = reached.union(*(action.agencies for action in block.actions))
    if missed := readers - reached:
        names = ", ".join(registry.agency(id_).name for id_ in sorted(missed))
        yield Finding(
            article.place,
            "empty-for-agency",
            f"an article that has nothing for {names}",
            "some text for everyone whom the article is for",
            "Add text outside the `only` parts, or name in `for` whom the article is for.",
        )


def _pointless_order(article: Article, readers: frozenset[str]) -> Iterator[Finding]:
    if missed := article.first_for - readers:
        yield Finding(
            article.place,
            "first-for-others",
            f"first_for names {', '.join(sorted(missed))}, who do not get the article",
            "agencies that `for` names too",
            "Add them to `for`, or take them out of `first_for`.",
            Severity.WARNING,
        )


def _bare_headings(issue: Issue, registry: Registry) -> Iterator[Finding]:
    """Headings that some agency sees with nothing below them."""
    bare: dict[tuple[str, int], tuple[Heading, list[str]]] = {}
    for agency in registry.agencies:
        for article in tailor(issue, agency.id).every_article:
            for heading in _bare_in(article.blocks):
                key = (heading.place.file, heading.place.line)
                bare.setdefault(key, (heading, []))[1].append(agency.name)
    for heading, names in bare.values():
        for_all = len(names) == len(registry.agencies)
        whom = "every agency" if for_all else ", ".join(names)
        yield Finding(
            heading.place,
            "bare-heading",
            f"the heading {_short(heading.content)!r} with nothing below it for {whom}",
            "text below every heading",
            "Put the heading inside the `only` part, or add text for the others.",
        )


def _bare_in(blocks: Sequence[Block]) -> Iterator[Heading]:
    for index, block in enumerate(blocks):
        following = blocks[index + 1] if index + 1 < len(blocks) else None
        if isinstance(block, Heading) and (
            following is None or (isinstance(following, Heading) and following.level <= block.level)
        ):
            yield block


def _short(content: Inlines) -> str:
    words = plain_text(content)
    return words if len(words) <= 60 else words[:57].rstrip() + "…"  # noqa: PLR2004 - a line's worth
