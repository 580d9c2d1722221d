"""Batches that a provider holds back until it has the whole campaign."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "staged_batch",
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("send_at", TIME, nullable=False),
        sa.Column("begun_at", TIME, nullable=False),
        sa.Column("doubtful", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.CheckConstraint(
            "state IN ('staging', 'releasing', 'released', 'recalled')",
            name=op.f("ck_staged_batch_state"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_staged_batch_campaign_id")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "number", name=op.f("pk_staged_batch")),
        sa.UniqueConstraint("batch_id", name=op.f("uq_staged_batch_batch_id")),
    )


def downgrade() -> None:
    op.drop_table("staged_batch")
