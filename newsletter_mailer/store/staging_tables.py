"""The table of staged batches: what a provider holds back until the whole campaign is there."""

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from newsletter_mailer.store.tables import Key, UtcTime, metadata

# `batch_id` is the provider's name for it. `doubtful` holds the numbers of those who were in
# doubt before it was begun, whom a recall leaves alone. A campaign has at most one batch
# that is neither `released` nor `recalled`.
staged_batch = Table(
    "staged_batch",
    metadata,
    Column("campaign_id", Key, ForeignKey("campaign.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("batch_id", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("send_at", UtcTime, nullable=False),
    Column("begun_at", UtcTime, nullable=False),
    Column("doubtful", JSON, nullable=False, server_default=text("'[]'")),
    PrimaryKeyConstraint("campaign_id", "number"),
    CheckConstraint(
        "state IN ('staging', 'releasing', 'released', 'recalled')",
        name="state",
    ),
)
