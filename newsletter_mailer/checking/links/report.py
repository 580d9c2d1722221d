"""A report of an issue's links as one HTML page: to read, to print, to hand on."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from newsletter_mailer.checking.links.checked import CheckedLink, count_by_verdict
from newsletter_mailer.checking.links.mention import Mention
from newsletter_mailer.checking.links.verdict import LinkResult, Verdict
from newsletter_mailer.errors import UsageError
from newsletter_mailer.reading.document import Issue
from newsletter_mailer.reading.inline import plain_text

_WORST_FIRST = (
    Verdict.BROKEN,
    Verdict.TLS,
    Verdict.SUSPECT,
    Verdict.UNKNOWN,
    Verdict.MOVED,
    Verdict.TEMPORARY,
    Verdict.LOGIN,
    Verdict.UNCHECKED,
    Verdict.OK,
)


@dataclass(frozen=True, slots=True)
class _Row:
    """A link in one article: what is known of it, its places there, and who gets it."""

    result: LinkResult
    mentions: tuple[Mention, ...]
    agencies: tuple[str, ...]
    everyone: bool


def report_html(
    issue: Issue,
    links: Sequence[CheckedLink],
    variants: Mapping[str, str],
    *,
    now: dt.datetime,
    unlooked: str = "",
) -> str:
    """The report. `variants` maps each variant of the issue to the names of its agencies.

    All moments are written in the time zone of `now`, which is the office's.

    The page has no scripts and fetches nothing. Whatever comes from files and servers is
    escaped. `unlooked` says why no link was looked at, if none was.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["size"] = _size
    environment.filters["moment"] = lambda moment: (
        f"{moment.astimezone(now.tzinfo):%-d %B %Y at %H:%M}"
    )
    articles = [
        (plain_text(article.title), rows)
        for article in issue.every_article
        if (rows := _rows(article.id, links, variants))
    ]
    return environment.get_template("report.html").render(
        issue=issue,
        articles=articles,
        counts=count_by_verdict(link.result for link in links),
        number=len(links),
        variants=variants,
        now=now,
        unlooked=unlooked,
    )


def write_report(
    path: Path,
    issue: Issue,
    links: Sequence[CheckedLink],
    variants: Mapping[str, str],
    *,
    now: dt.datetime,
    unlooked: str = "",
) -> None:
    """Write the report to a file.

    Raises:
        UsageError: it cannot be written.
    """
    made = report_html(issue, links, variants, now=now, unlooked=unlooked)
    try:
        path.write_text(made, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error


def _rows(article: str, links: Sequence[CheckedLink], variants: Mapping[str, str]) -> list[_Row]:
    """The links of an article, those that need somebody's eyes first."""
    rows = [
        _Row(
            link.result,
            here,
            tuple(variants[name] for name in link.variants),
            len(link.variants) == len(variants),
        )
        for link in links
        if (here := tuple(m for m in link.mentions if m.article == article))
    ]
    return sorted(rows, key=lambda row: _WORST_FIRST.index(row.result.verdict))


_KILO = 1000


def _size(number: int) -> str:
    """`412 kB`, `1.3 MB`: as people say it, in powers of ten."""
    if number < _KILO:
        return f"{number} bytes"
    if number < _KILO**2:
        return f"{number / _KILO:.0f} kB"
    return f"{number / _KILO**2:.1f} MB"
