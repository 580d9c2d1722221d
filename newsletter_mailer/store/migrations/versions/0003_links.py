"""What was found out about links: lately, and for each campaign when it was frozen."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "link_check",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("checked_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_link_check")),
    )
    op.create_table(
        "campaign_link",
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("mentions", sa.JSON(), nullable=False),
        sa.Column("accepted_by", sa.Text(), nullable=True),
        sa.Column("accepted_at", TIME, nullable=True),
        sa.Column("last_result", sa.JSON(), nullable=True),
        sa.Column("last_good_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_link_campaign_id")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "url", name=op.f("pk_campaign_link")),
    )


def downgrade() -> None:
    op.drop_table("campaign_link")
    op.drop_table("link_check")
