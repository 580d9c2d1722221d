"""Putting an issue on the shelf: its pages, files and text, as they are when it is frozen."""

import gzip
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert

from newsletter_mailer.archive import search
from newsletter_mailer.compiling.email import AgencyPage, CompiledEmail
from newsletter_mailer.compiling.merge import MARK
from newsletter_mailer.compiling.wording import issue_date
from newsletter_mailer.reading.agencies import Registry
from newsletter_mailer.reading.document import Article, Issue
from newsletter_mailer.reading.inline import plain_text
from newsletter_mailer.store.archive_tables import (
    archive_article,
    archive_file,
    archive_issue,
    archive_page,
)

if TYPE_CHECKING:
    from newsletter_mailer.compiling.compiler import Compiler

# How the plain text of an article begins and ends: its underlined title, and its links.
_TITLE = re.compile(r"\A.*?\n=+\n", re.DOTALL)
_LINKS = re.compile(r"(?:\n\[\d+\] \S+)+\s*\Z")
_REFERENCE = re.compile(r" ?\[\d+\]")
_RULE = re.compile(r"[-=]{3,}|^\s*[-*] ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Shelf:
    """The rows of an issue in the archive, but for its campaign."""

    issue: dict[str, Any]
    pages: list[dict[str, Any]]
    files: list[dict[str, Any]]
    articles: list[dict[str, Any]]


def prepare(
    compiler: "Compiler", issue: Issue, emails: Sequence[CompiledEmail], registry: Registry
) -> Shelf:
    """Everything the archive is to hold of an issue, made before a transaction begins."""
    made = list(compiler.agency_pages(issue, registry))
    default = next(page for page in made if page.agency == registry.default.id)
    return Shelf(
        {
            "issue": issue.name,
            "number": issue.head.number,
            "title": issue.head.title,
            "description": issue.head.preheader,
            "language": issue.head.language,
            "day": issue.head.date,
            "issued": issue_date(issue.head),
            "default_agency": default.agency,
            "agencies": _by_sector(registry),
            "contents": [plain_text(article.title) for article in default.articles],
        },
        [_page(page) for page in made],
        list(_files(emails)),
        list(_articles([default, *made])),
    )


def shelve(connection: Connection, campaign_id: int, shelf: Shelf) -> None:
    """Keep an issue's pages beside its campaign. Readers see them once it has begun.

    Runs in the transaction that freezes the campaign.
    """
    whose = {"campaign_id": campaign_id}
    connection.execute(insert(archive_issue).values(whose | shelf.issue))
    for table, rows in (
        (archive_page, shelf.pages),
        (archive_file, shelf.files),
        (archive_article, shelf.articles),
    ):
        if rows:
            connection.execute(insert(table), [whose | row for row in rows])
    search.add(connection, campaign_id)


def _by_sector(registry: Registry) -> list[tuple[str, list[tuple[str, str]]]]:
    sectors: dict[str, list[tuple[str, str]]] = {}
    for agency in registry.agencies:
        sectors.setdefault(agency.sector_name, []).append((agency.id, agency.name))
    return list(sectors.items())


def _page(page: AgencyPage) -> dict[str, Any]:
    html = page.html.encode()
    return {
        "agency": page.agency,
        "canonical": page.variant,
        # Without the time, so that the same page always gives the same bytes.
        "html": gzip.compress(html, mtime=0),
        "digest": _digest(html),
    }


def _files(emails: Sequence[CompiledEmail]) -> Iterator[dict[str, Any]]:
    calendars = {file.name: file for email in emails for file in email.calendars}
    for file in calendars.values():
        yield _file(f"events/{file.name}", "text/calendar; charset=utf-8", file.content)
    images = {image.name: image for email in emails for image in email.images}
    for image in images.values():
        yield _file(f"images/{image.name}", image.media_type, image.path.read_bytes())


def _file(path: str, media_type: str, content: bytes) -> dict[str, Any]:
    return {
        "path": path,
        "media_type": media_type,
        "content": content,
        "digest": _digest(content),
    }


def _articles(pages: Sequence[AgencyPage]) -> Iterator[dict[str, Any]]:
    """Each form of each article once, with the first agency whose page shows it."""
    seen: set[Article] = set()
    for page in pages:
        for article in page.articles:
            if article not in seen:
                seen.add(article)
                yield {
                    "anchor": article.id,
                    "agency": page.agency,
                    "title": plain_text(article.title),
                    "body": searchable(page.texts[article.id]),
                }


def searchable(text: str) -> str:
    """The words of an article's plain text, without its title, marks and link addresses."""
    body = _LINKS.sub("", _TITLE.sub("", text, count=1))
    return " ".join(_RULE.sub(" ", _REFERENCE.sub("", MARK.sub("", body))).split())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
