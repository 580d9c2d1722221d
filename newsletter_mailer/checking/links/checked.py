"""The links of an issue: what is known of each, where it stands, and who gets it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from newsletter_mailer.checking.links.mention import Mention
from newsletter_mailer.checking.links.mentions import mentions
from newsletter_mailer.checking.links.verdict import LinkResult, Verdict
from newsletter_mailer.compiling.email import CompiledEmail
from newsletter_mailer.compiling.tailoring import Tailor
from newsletter_mailer.reading.document import Issue


@dataclass(frozen=True, slots=True)
class CheckedLink:
    """One link of an issue. `variants` names those in which it stands."""

    result: LinkResult
    mentions: tuple[Mention, ...]
    variants: tuple[str, ...]

    @property
    def url(self) -> str:
        """The link's target."""
        return self.result.url

    def as_dict(self) -> dict[str, Any]:
        """The link for `--json`."""
        return {
            **self.result.as_dict(),
            "mentions": [mention_as_dict(mention) for mention in self.mentions],
            "variants": list(self.variants),
        }


def mention_as_dict(mention: Mention) -> dict[str, str | int]:
    """A mention for JSON and the store."""
    return {
        "file": mention.place.file,
        "line": mention.place.line,
        "words": mention.words,
        "article": mention.article,
    }


def checked_links(
    issue: Issue, emails: Sequence[CompiledEmail], results: Mapping[str, LinkResult]
) -> tuple[CheckedLink, ...]:
    """The links for which there is a result, in the order in which they stand in the issue."""
    standing: dict[str, list[Mention]] = {}
    for mention in mentions(issue):
        if mention.url in results:
            standing.setdefault(mention.url, []).append(mention)
    variants = _variants(issue, emails)
    return tuple(
        CheckedLink(results[url], tuple(here), tuple(variants.get(url, ())))
        for url, here in standing.items()
    )


def count_by_verdict(results: Iterable[LinkResult]) -> dict[Verdict, int]:
    """How many links have each verdict, in the order of the verdicts."""
    counts = Counter(result.verdict for result in results)
    return {verdict: counts[verdict] for verdict in Verdict if counts[verdict]}


def _variants(issue: Issue, emails: Sequence[CompiledEmail]) -> dict[str, dict[str, None]]:
    """The names of the variants in which each link stands, by what each agency is given."""
    tailor = Tailor(issue)
    found: dict[str, dict[str, None]] = {}
    for email in emails:
        for agency in email.agencies:
            given = tailor.tailor(agency)
            theirs = replace(issue, opening=given.opening, articles=given.articles)
            for mention in mentions(theirs):
                found.setdefault(mention.url, {})[email.name] = None
    return found
