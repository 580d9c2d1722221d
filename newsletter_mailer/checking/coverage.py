"""Coverage: whatever an issue says reaches somebody, and nobody is left with an empty part."""

from collections.abc import Iterator, Mapping

from newsletter_mailer.compiling.tailoring import Tailored, tailor
from newsletter_mailer.findings import Finding, Severity, brief
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.document import (
    Action,
    Actions,
    Article,
    Blocks,
    Heading,
    Issue,
    Only,
    inner_blocks,
)
from newsletter_mailer.reading.inline import plain_text

Ids = frozenset[str]


def coverage(issue: Issue, registry: Registry) -> list[Finding]:
    """Parts that reach no agency, and agencies that a part leaves with nothing.

    Whom a part is for is narrowed by everything around it: `only gp` inside an article
    for schools reaches nobody.
    """
    everyone = frozenset(registry.by_id)
    tailored = {agency.id: tailor(issue, agency.id) for agency in registry.agencies}
    findings: list[Finding] = []
    for article in issue.every_article:
        readers = everyone if article.only_for is None else article.only_for
        findings += _parts(article.blocks, readers, registry)
        findings += _left_empty(article, readers, tailored, registry)
        findings += _pointless_order(article, readers, registry)
    findings += _bare_headings(tailored, registry)
    findings += _without_article(issue, tailored, registry)
    return sorted(findings)


def _parts(blocks: Blocks, readers: Ids, registry: Registry) -> Iterator[Finding]:
    """What reaches nobody among blocks that `readers` get."""
    for block in blocks:
        if isinstance(block, Only):
            inside = readers & block.agencies
            if inside:
                yield from _parts(block.blocks, inside, registry)
            else:
                yield Finding(
                    block.place,
                    "reaches-nobody",
                    "a part that reaches no agency",
                    "agencies that also get what is around it",
                    "Name agencies that the article is for, or take the part out.",
                )
        elif isinstance(block, Actions):
            for action in block.actions:
                yield from _action(action, readers, registry)
        else:
            for inner in inner_blocks(block):
                yield from _parts(inner, readers, registry)


def _action(action: Action, readers: Ids, registry: Registry) -> Iterator[Finding]:
    shown = repr(brief(plain_text(action.content)))
    missed = action.agencies - readers
    if missed == action.agencies:
        yield Finding(
            action.place,
            "reaches-nobody",
            f"the action {shown}, which reaches no agency",
            "agencies that also get the article",
            "Address it to agencies that the article is for.",
        )
    elif missed:
        yield Finding(
            action.place,
            "action-misses",
            f"the action {shown}, which does not reach {_names(missed, registry)}",
            "the article or part to be for them too",
            "Widen whom the article or part is for, or address others.",
            Severity.WARNING,
        )


def _left_empty(
    article: Article, readers: Ids, tailored: Mapping[str, Tailored], registry: Registry
) -> Iterator[Finding]:
    """Agencies whose version of an article has no block."""
    missed = frozenset(
        id_ for id_ in readers if all(kept.id != article.id for kept in tailored[id_].every_article)
    )
    if missed:
        yield Finding(
            article.place,
            "empty-for-agency",
            f"an article that has nothing for {_names(missed, registry)}",
            "some text for everyone whom the article is for",
            "Add text outside the `only` parts, or name in `for` whom the article is for.",
        )


def _pointless_order(article: Article, readers: Ids, registry: Registry) -> Iterator[Finding]:
    if missed := article.first_for - readers:
        yield Finding(
            article.place,
            "first-for-others",
            f"`first_for` with {_names(missed, registry)}, who do not get the article",
            "agencies that `for` names too",
            "Add them to `for`, or take them out of `first_for`.",
            Severity.WARNING,
        )


def _bare_headings(tailored: Mapping[str, Tailored], registry: Registry) -> Iterator[Finding]:
    """Headings that some agency sees with nothing below them."""
    bare: dict[tuple[str, int], tuple[Heading, set[str]]] = {}
    for id_, kept in tailored.items():
        for article in kept.every_article:
            for heading in _bare_in(article.blocks):
                key = (heading.place.file, heading.place.line)
                bare.setdefault(key, (heading, set()))[1].add(id_)
    for heading, ids in bare.values():
        yield Finding(
            heading.place,
            "bare-heading",
            f"the heading {brief(plain_text(heading.content))!r} with nothing below it "
            f"for {_names(frozenset(ids), registry)}",
            "text below every heading",
            "Put the heading inside the `only` part, or add text for the others.",
        )


def _bare_in(blocks: Blocks) -> Iterator[Heading]:
    for index, block in enumerate(blocks):
        following = blocks[index + 1] if index + 1 < len(blocks) else None
        if isinstance(block, Heading) and (
            following is None or (isinstance(following, Heading) and following.level <= block.level)
        ):
            yield block
        for inner in inner_blocks(block):
            yield from _bare_in(inner)


def _without_article(
    issue: Issue, tailored: Mapping[str, Tailored], registry: Registry
) -> Iterator[Finding]:
    if missed := frozenset(id_ for id_, kept in tailored.items() if not kept.articles):
        yield Finding(
            issue.place,
            "agency-without-article",
            f"no article for {_names(missed, registry)}",
            "at least one article for every agency",
            "Give an article to everyone, or add the agencies to one.",
        )


def _names(ids: Ids, registry: Registry) -> str:
    """The names of agencies as a person would list them."""
    if len(ids) == len(registry.agencies):
        return "any agency" if len(ids) > 1 else registry.agencies[0].name
    return ", ".join(agency.name for agency in registry.agencies if agency.id in ids)
