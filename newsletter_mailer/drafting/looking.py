"""What an editor has still to mend in an issue that was made from a draft."""

from pathlib import Path

from newsletter_mailer.checking.content import guard
from newsletter_mailer.checking.coverage import coverage
from newsletter_mailer.checking.links.written import written
from newsletter_mailer.checking.mail import WAIVABLE
from newsletter_mailer.errors import IssueError
from newsletter_mailer.findings import Finding, Place
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.article import ArticleReader
from newsletter_mailer.reading.document import Article, Issue
from newsletter_mailer.reading.headers import IssueHead
from newsletter_mailer.reading.issue import read_issue
from newsletter_mailer.settings import Settings


def to_mend(folder: Path, shown: str, registry: Registry, settings: Settings) -> list[Finding]:
    """Every finding in the files of an issue, sorted, links that were mangled among them.

    Unlike `newsletter check`, which stops where the files cannot be read as an issue, this
    looks at links and for case information although a date or an alternative text is
    missing. No network is used, and no mail is compiled.
    """
    found: set[Finding] = set()
    try:
        issue, warnings = read_issue(folder, registry, shown=shown, waivable=WAIVABLE)
        found.update(warnings)
    except IssueError as error:
        found.update(error.findings)
        issue = _readable(folder, shown, registry)
    found.update(
        coverage(issue, registry), written(issue, settings), guard.content(issue, settings)
    )
    return sorted(found)


def _readable(folder: Path, shown: str, registry: Registry) -> Issue:
    """What can be read of an issue, under a head that stands for its own."""
    reader = ArticleReader(folder, shown, registry, [])
    names = sorted(path.stem for path in (folder / "articles").glob("*.md"))
    articles: list[Article] = [article for name in names if (article := reader.read(name))]
    words = dict.fromkeys(("title", "subject", "preheader"), "Draft")
    head = IssueHead.model_validate(
        {"number": 0, "date": "2000-01-01", "articles": ["draft"], **words}
    )
    return Issue(folder.name, head, (), (), None, tuple(articles), Place(f"{shown}/issue.yaml"))
