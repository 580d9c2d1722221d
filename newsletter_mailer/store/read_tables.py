"""The tables of "I have read this": which articles ask, who said so, and after a while how many.

A row is there because its owner pressed a button to make it, and goes when they take it
back, leave or are erased. Reports read it by agency only.
"""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    false,
)

from newsletter_mailer.store.tables import Key, metadata

# The articles of a campaign with such a button, by their place in the issue. `closed` is set
# when who pressed was replaced by how many: nobody could be counted only once after that.
asking_article = Table(
    "asking_article",
    metadata,
    Column("campaign_id", Key, nullable=False),
    Column("number", Integer, nullable=False),
    Column("article", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("closed", Boolean, nullable=False, server_default=false()),
    PrimaryKeyConstraint("campaign_id", "number"),
)

# Who said that they have read which article, and on which day. The agency is the delivery's.
has_read = Table(
    "has_read",
    metadata,
    Column("campaign_id", Key, nullable=False),
    Column("number", Integer, nullable=False),
    Column("subscriber_id", Key, nullable=False),
    Column("day", Date, nullable=False),
    PrimaryKeyConstraint("campaign_id", "number", "subscriber_id"),
    Index(None, "subscriber_id"),
)

# How many people of an agency said so, once nobody knows any more who it was.
read_total = Table(
    "read_total",
    metadata,
    Column("campaign_id", Key, nullable=False),
    Column("number", Integer, nullable=False),
    Column("agency", Text, nullable=False),
    Column("people", Integer, nullable=False),
    PrimaryKeyConstraint("campaign_id", "number", "agency"),
)
