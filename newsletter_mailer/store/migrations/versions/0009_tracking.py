"""What providers report, what became of messages, opens and clicks."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
EMPTY = sa.text("''")
CLASSES = "class IN ('human', 'proxied', 'unknown', 'machine')"


def upgrade() -> None:
    op.create_table(
        "provider_event",
        sa.Column("id", KEY, nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("campaign_id", KEY, nullable=True),
        sa.Column("subscriber_id", KEY, nullable=True),
        sa.Column("raw", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_event")),
    )
    op.create_index(
        op.f("ix_provider_event_at_provider_event_id"),
        "provider_event",
        ["at", "provider", "event_id"],
        unique=True,
    )
    op.create_table(
        "feedback",
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("subscriber_id", KEY, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("detail", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("soft_at", TIME, nullable=True),
        sa.CheckConstraint(
            "state IN ('processed', 'deferred', 'delivered', 'dropped', 'blocked', "
            "'soft_bounced', 'bounced', 'complained')",
            name=op.f("ck_feedback_state"),
        ),
        sa.PrimaryKeyConstraint("campaign_id", "subscriber_id", name=op.f("pk_feedback")),
    )
    op.create_index(
        "ix_feedback_soft",
        "feedback",
        ["subscriber_id"],
        unique=False,
        sqlite_where=sa.text("soft_at IS NOT NULL"),
        postgresql_where=sa.text("soft_at IS NOT NULL"),
    )
    op.create_table(
        "opened",
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("subscriber_id", KEY, nullable=False),
        sa.Column("class", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.CheckConstraint(CLASSES, name=op.f("ck_opened_class")),
        sa.PrimaryKeyConstraint("campaign_id", "subscriber_id", name=op.f("pk_opened")),
    )
    op.create_table(
        "clicked",
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("subscriber_id", KEY, nullable=False),
        sa.Column("link", sa.Integer(), nullable=False),
        sa.Column("class", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.CheckConstraint(CLASSES, name=op.f("ck_clicked_class")),
        sa.PrimaryKeyConstraint("campaign_id", "subscriber_id", "link", name=op.f("pk_clicked")),
    )
    op.create_table(
        "tracked_link",
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "number", name=op.f("pk_tracked_link")),
    )
    op.create_table(
        "reach_total",
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("link", sa.Integer(), nullable=False),
        sa.Column("class", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.CheckConstraint(CLASSES, name=op.f("ck_reach_total_class")),
        sa.PrimaryKeyConstraint(
            "campaign_id", "agency", "link", "class", "day", name=op.f("pk_reach_total")
        ),
    )


def downgrade() -> None:
    for table in ("reach_total", "tracked_link", "clicked", "opened", "feedback", "provider_event"):
        op.drop_table(table)
