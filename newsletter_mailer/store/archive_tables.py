"""The tables of the archive: each issue as a page for every agency, its files, its text.

They are written when a campaign is frozen, from what is frozen with it, and shown once
it has been sent. Nothing personal is in them.
"""

from sqlalchemy import (
    JSON,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from newsletter_mailer.store.tables import Key, metadata

# `issued` is how the issue itself writes its date, such as `Autumn 2018`.
# `agencies` is a list of [sector, [[id, name], …]] in the registry's order, `contents` the
# titles of the articles as the default agency gets them.
archive_issue = Table(
    "archive_issue",
    metadata,
    Column("campaign_id", Key, ForeignKey("campaign.id"), primary_key=True),
    Column("issue", Text, nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("issued", Text, nullable=False),
    Column("default_agency", Text, nullable=False),
    Column("agencies", JSON, nullable=False),
    Column("contents", JSON, nullable=False),
)

# `html` is compressed (gzip), a sixth of its size. `canonical` is the agency whose page says
# the same and stands for all those that do.
archive_page = Table(
    "archive_page",
    metadata,
    Column("campaign_id", Key, ForeignKey("campaign.id"), nullable=False),
    Column("agency", Text, nullable=False),
    Column("canonical", Text, nullable=False),
    Column("html", LargeBinary, nullable=False),
    Column("digest", Text, nullable=False),
    PrimaryKeyConstraint("campaign_id", "agency"),
)

# Calendar files and pictures; `path` is what follows the issue's address, such as
# `events/festival-2019-03-01.ics`.
archive_file = Table(
    "archive_file",
    metadata,
    Column("campaign_id", Key, ForeignKey("campaign.id"), nullable=False),
    Column("path", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("digest", Text, nullable=False),
    PrimaryKeyConstraint("campaign_id", "path"),
)

# Each form of an article that some agency gets, for searching. `agency` is one of them, the
# default where it is among them.
archive_article = Table(
    "archive_article",
    metadata,
    Column("id", Key, primary_key=True),
    Column("campaign_id", Key, ForeignKey("campaign.id"), nullable=False),
    Column("anchor", Text, nullable=False),
    Column("agency", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "campaign_id", "anchor"),
    sqlite_autoincrement=True,
)
