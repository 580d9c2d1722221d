"""Articles that readers can say they have read, who said so, and how many."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "asking_article",
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("article", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("closed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "number", name=op.f("pk_asking_article")),
    )
    op.create_table(
        "has_read",
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", KEY, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "number", "subscriber_id", name=op.f("pk_has_read")),
    )
    op.create_index(op.f("ix_has_read_subscriber_id"), "has_read", ["subscriber_id"])
    op.create_table(
        "read_total",
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "number", "agency", name=op.f("pk_read_total")),
    )


def downgrade() -> None:
    for table in ("read_total", "has_read", "asking_article"):
        op.drop_table(table)
