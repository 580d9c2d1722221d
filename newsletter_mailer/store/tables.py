"""The tables: subscribers and their imports, campaigns and their ledger, links.

Times are UTC with their zone. Agencies stand as ids of the registry, which is a file, so
no foreign key guards them. The ledger of deliveries has no foreign key to subscribers
either: it outlives a person who was erased.
"""

import datetime as dt

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    TypeDecorator,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Key = BigInteger().with_variant(Integer, "sqlite")
"""A running number. SQLite gives such numbers out for its own INTEGER type only."""


class UtcTime(TypeDecorator[dt.datetime]):
    """A moment, kept in UTC. SQLite has no zones, so they are put on and off here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self,
        value: dt.datetime | None,
        dialect: Dialect,  # noqa: ARG002 - the signature is SQLAlchemy's
    ) -> dt.datetime | None:
        """The moment in UTC.

        Raises:
            ValueError: it has no zone, so nobody can tell which moment it is.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(dt.UTC)

    def process_result_value(
        self,
        value: dt.datetime | None,
        dialect: Dialect,  # noqa: ARG002 - the signature is SQLAlchemy's
    ) -> dt.datetime | None:
        """The moment with its zone, UTC."""
        if value is None:
            return None
        return value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)


def one_of(column: str, *words: str) -> CheckConstraint:
    """That a column holds one of some words, the most frequent first.

    For tables of which many rows are written: with `IN`, SQLite would make a table of the
    words for each row, which takes as long as writing it.
    """
    return CheckConstraint(" OR ".join(f"{column} = '{word}'" for word in words), name=column)


import_run = Table(
    "import_run",
    metadata,
    Column("id", Key, primary_key=True),
    Column("file_name", Text, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)

# `sqlite_autoincrement` keeps SQLite from giving an erased person's number to the next
# one, who would then seem to have had every mail in the ledger.
subscriber = Table(
    "subscriber",
    metadata,
    Column("id", Key, primary_key=True),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False, server_default=text("''")),
    Column("agency", Text, nullable=False),
    Column("role", Text, nullable=False, server_default=text("''")),
    Column("status", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("import_id", Key, ForeignKey("import_run.id")),
    Column("import_line", Integer),
    Column("created_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    CheckConstraint("status IN ('active', 'unconfirmed', 'unsubscribed')", name="status"),
    sqlite_autoincrement=True,
)

# Addresses that get nothing, whoever asks for it: they bounced, or their owner complained.
suppression = Table(
    "suppression",
    metadata,
    Column("email_key", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("code", Text, nullable=False, server_default=text("''")),
    Column("detail", Text, nullable=False, server_default=text("''")),
    Column("campaign_id", Key),
    Column("since", UtcTime, nullable=False),
    CheckConstraint("reason IN ('bounce', 'complaint', 'office')", name="reason"),
)

campaign = Table(
    "campaign",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("issue", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=text("''")),
    Column("token", Text, nullable=False, unique=True),
    Column("content_hash", Text, nullable=False),
    Column("audience_hash", Text, nullable=False, server_default=text("''")),
    Column("audience", JSON, nullable=False, server_default=text("'[]'")),
    Column("excluded", JSON, nullable=False, server_default=text("'{}'")),
    Column("transport", Text, nullable=False),
    Column("sender_name", Text, nullable=False),
    Column("sender_address", Text, nullable=False),
    Column("reply_to", Text),
    Column("greeting", JSON, nullable=False),
    Column("frozen_at", UtcTime, nullable=False),
    Column("frozen_by", Text, nullable=False, server_default=text("''")),
    Column("scheduled_at", UtcTime),
    Column("started_at", UtcTime),
    Column("finished_at", UtcTime),
    Column("canary", Integer, nullable=False, server_default=text("0")),
    Column("canary_until", UtcTime),
    Column("waivers", JSON, nullable=False, server_default=text("'[]'")),
    CheckConstraint(
        "state IN ('scheduled', 'sending', 'paused', 'done', 'cancelled')", name="state"
    ),
    sqlite_autoincrement=True,
)

variant = Table(
    "variant",
    metadata,
    Column("campaign_id", Key, ForeignKey("campaign.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("agencies", JSON, nullable=False),
    Column("subject", JSON, nullable=False),
    Column("html", JSON, nullable=False),
    Column("text", JSON, nullable=False),
    PrimaryKeyConstraint("campaign_id", "name"),
)

campaign_image = Table(
    "campaign_image",
    metadata,
    Column("campaign_id", Key, ForeignKey("campaign.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("campaign_id", "name"),
)

# `epoch` goes up whenever somebody takes the batch: who holds an older one is fenced off.
# `next_at` is when a ready batch may be taken again, where all that is left waits for a retry.
batch = Table(
    "batch",
    metadata,
    Column("campaign_id", Key, ForeignKey("campaign.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("epoch", Integer, nullable=False, server_default=text("0")),
    Column("owner", Text, nullable=False, server_default=text("''")),
    Column("lease_until", UtcTime),
    Column("next_at", UtcTime),
    PrimaryKeyConstraint("campaign_id", "number"),
    CheckConstraint("state IN ('ready', 'running', 'done')", name="state"),
)

# On PostgreSQL each campaign has a partition of its own: see `postgres.make_partition`. (It is
# the first migration that says so: the option would have every command import that dialect.)
delivery = Table(
    "delivery",
    metadata,
    Column("campaign_id", Key, ForeignKey("campaign.id"), nullable=False),
    Column("subscriber_id", Key, nullable=False),
    Column("batch", Integer, nullable=False),
    Column("variant", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("agency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("epoch", Integer, nullable=False, server_default=text("0")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_try", UtcTime),
    Column("code", Text, nullable=False, server_default=text("''")),
    Column("error", Text, nullable=False, server_default=text("''")),
    Column("provider_id", Text, nullable=False, server_default=text("''")),
    Column("settled_at", UtcTime),
    Column("refusals", Integer, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("campaign_id", "subscriber_id"),
    one_of(
        "status",
        *("sent", "sending", "pending", "deferred", "failed", "in_doubt", "suppressed", "skipped"),
    ),
    # With the number behind, so that a group is found without sorting its batch.
    Index(None, "campaign_id", "batch", "subscriber_id"),
)

# The generic cell rate algorithm in one row: `tat` is when the next message is due, in
# seconds since 1970; `written` is when that was worked out, by the same clock.
rate_bucket = Table(
    "rate_bucket",
    metadata,
    Column("key", Text, primary_key=True),
    Column("tat", Float, nullable=False),
    Column("written", Float, nullable=False),
)

# What was found out about links lately, so that a check need not ask the same servers again.
link_check = Table(
    "link_check",
    metadata,
    Column("url", Text, primary_key=True),
    Column("verdict", Text, nullable=False),
    Column("result", JSON, nullable=False),
    Column("checked_at", UtcTime, nullable=False),
)

# The links of a campaign: `result` is what was known when it was frozen, `accepted_by` who
# let a doubtful one pass; `last_result` and `last_good_at` are of later looks.
campaign_link = Table(
    "campaign_link",
    metadata,
    Column("campaign_id", Key, ForeignKey("campaign.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("result", JSON, nullable=False),
    Column("mentions", JSON, nullable=False),
    Column("accepted_by", Text),
    Column("accepted_at", UtcTime),
    Column("last_result", JSON),
    Column("last_good_at", UtcTime),
    PrimaryKeyConstraint("campaign_id", "url"),
)
