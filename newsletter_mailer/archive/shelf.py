"""What stands on the shelf: the issues that were sent, their pages and their files.

An issue is listed once a campaign of it is done. By its address it can be read as soon as
a campaign of it has begun, for the first letters that leave link to it. Of several
campaigns of an issue the newest counts.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    and_,
    func,
    select,
)

from newsletter_mailer.store.archive_tables import archive_file, archive_issue, archive_page
from newsletter_mailer.store.engine import reading
from newsletter_mailer.store.tables import campaign

_AT_ONCE = 100


_SHELF = archive_issue.join(campaign, campaign.c.id == archive_issue.c.campaign_id)
_KNOWN, _SENT = archive_issue.alias("known"), campaign.alias("sent")

# Of each issue the newest campaign that is done. SQLite finds them in an index, without a look
# at the long rows of `archive_issue`.
_NEWEST = (
    select(func.max(_KNOWN.c.campaign_id))
    .join(_SENT, _SENT.c.id == _KNOWN.c.campaign_id)
    .where(_SENT.c.state == "done")
    .group_by(_KNOWN.c.issue)
)
_LISTED = campaign.c.id.in_(_NEWEST)
_STANDING = select(
    func.count().label("issues"), func.max(campaign.c.finished_at).label("sent_at")
).where(_LISTED)
_ORDER = (archive_issue.c.day.desc(), archive_issue.c.number.desc(), campaign.c.id.desc())
# Sorted by little: only the rows that are shown are read whole.
_IN_ORDER = select(campaign.c.id).select_from(_SHELF).where(_LISTED).order_by(*_ORDER)
_IN_A_LIST = select(
    *(column for column in archive_issue.c if column is not archive_issue.c.agencies),
    campaign.c.finished_at,
    campaign.c.state,
).select_from(_SHELF)
_EDITION = select(archive_issue, campaign.c.finished_at, campaign.c.state).select_from(_SHELF)


@dataclass(frozen=True, slots=True)
class Edition:
    """An issue in the archive. `listed` says whether it was sent to the end.

    `issued` is its date as the issue writes it, such as `Autumn 2018`. `agencies` are those
    of each sector, each with its id and name; in a list they are left out. `contents` are
    the titles of the articles, as the agency `default` gets them.
    """

    campaign_id: int
    issue: str
    number: int
    title: str
    description: str
    language: str
    day: dt.date
    issued: str
    default: str
    agencies: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    contents: tuple[str, ...]
    sent_at: dt.datetime | None
    listed: bool


@dataclass(frozen=True, slots=True)
class Page:
    """One agency's page. `html` is compressed by gzip; `digest` is of what it holds.

    `canonical` is the agency whose page stands for all that say the same.
    """

    canonical: str
    html: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class File:
    """A calendar file or a picture."""

    media_type: str
    content: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How many issues are listed, and when the newest of them had been sent."""

    issues: int
    sent_at: dt.datetime | None


def standing(connection: Connection) -> Standing:
    """The shelf as a whole; whenever something on it changes, this does too."""
    row = connection.execute(_STANDING).one()
    return Standing(row.issues, row.sent_at)


def editions(connection: Connection, *, offset: int = 0, limit: int) -> list[Edition]:
    """The listed issues, the newest first."""
    shown = _IN_ORDER.offset(offset).limit(limit).subquery()
    rows = connection.execute(
        _IN_A_LIST.where(campaign.c.id.in_(select(shown.c.id))).order_by(*_ORDER)
    )
    return [_edition(row) for row in rows]


def listed_campaigns(connection: Connection) -> list[int]:
    """The campaigns whose issues are listed."""
    return list(connection.scalars(_NEWEST))


def edition(connection: Connection, issue: str) -> Edition | None:
    """The issue in the folder `issue`, if a campaign of it has begun."""
    row = connection.execute(
        _EDITION.where(archive_issue.c.issue == issue, campaign.c.started_at.is_not(None))
        .order_by((campaign.c.state == "done").desc(), campaign.c.id.desc())
        .limit(1)
    ).first()
    return _edition(row) if row else None


def edition_of(connection: Connection, campaign_id: int) -> Edition:
    """The issue of a campaign that is in the archive."""
    row = connection.execute(_EDITION.where(campaign.c.id == campaign_id)).one()
    return _edition(row)


def page_of(connection: Connection, campaign_id: int, agency: str) -> Page | None:
    """The page of an agency."""
    row = connection.execute(
        select(archive_page.c.canonical, archive_page.c.html, archive_page.c.digest).where(
            archive_page.c.campaign_id == campaign_id, archive_page.c.agency == agency
        )
    ).first()
    return Page(*row) if row else None


def file_of(connection: Connection, issue: str, path: str) -> File | None:
    """A file of an issue that has begun to be sent; of several campaigns, the newest's."""
    row = connection.execute(
        select(archive_file.c.media_type, archive_file.c.content, archive_file.c.digest)
        .join(campaign, campaign.c.id == archive_file.c.campaign_id)
        .where(
            campaign.c.issue == issue,
            campaign.c.started_at.is_not(None),
            archive_file.c.path == path,
        )
        .order_by((campaign.c.state == "done").desc(), campaign.c.id.desc())
        .limit(1)
    ).first()
    return File(*row) if row else None


def calendars(engine: Engine) -> Iterator[bytes]:
    """The calendar files of all listed issues.

    A few at a time, each in a short transaction: whoever reads slowly holds nothing up.
    """
    last = (0, "")
    while True:
        with reading(engine) as connection:
            rows = connection.execute(
                select(archive_file.c.campaign_id, archive_file.c.path, archive_file.c.content)
                .select_from(_SHELF.join(archive_file, archive_file.c.campaign_id == campaign.c.id))
                .where(_LISTED, archive_file.c.path.startswith("events/"), _after(last))
                .order_by(archive_file.c.campaign_id, archive_file.c.path)
                .limit(_AT_ONCE)
            ).all()
        if not rows:
            return
        for row in rows:
            yield row.content
        last = (rows[-1].campaign_id, rows[-1].path)


def canonical_pages(engine: Engine) -> Iterator[tuple[str, str, dt.datetime]]:
    """Of every listed issue its folder, the agency of its main page, and when it was sent."""
    last = 0
    while True:
        with reading(engine) as connection:
            rows = connection.execute(
                select(
                    campaign.c.id,
                    archive_issue.c.issue,
                    archive_page.c.canonical,
                    campaign.c.finished_at,
                )
                .select_from(_SHELF.join(archive_page, archive_page.c.campaign_id == campaign.c.id))
                .where(
                    _LISTED,
                    archive_page.c.agency == archive_issue.c.default_agency,
                    campaign.c.id > last,
                )
                .order_by(campaign.c.id)
                .limit(_AT_ONCE)
            ).all()
        if not rows:
            return
        for row in rows:
            yield row.issue, row.canonical, row.finished_at
        last = rows[-1].id


def _after(last: tuple[int, str]) -> ColumnElement[bool]:
    number, path = last
    return (archive_file.c.campaign_id > number) | and_(
        archive_file.c.campaign_id == number, archive_file.c.path > path
    )


def _edition(row: Row[*tuple[Any, ...]]) -> Edition:
    return Edition(
        row.campaign_id,
        row.issue,
        row.number,
        row.title,
        row.description,
        row.language,
        row.day,
        row.issued,
        row.default_agency,
        tuple(
            (sector, tuple((id_, name) for id_, name in of))
            for sector, of in getattr(row, "agencies", ())
        ),
        tuple(row.contents),
        row.finished_at,
        row.state == "done",
    )
