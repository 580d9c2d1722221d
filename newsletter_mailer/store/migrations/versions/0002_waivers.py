"""The waivers under which a campaign was sent.

SQLite adds a column in the middle of a line of its schema, which a fresh database writes
on a line of its own. So the table is made anew, and its rows are put back. Other tables
point at them meanwhile: that is looked at when the transaction ends, by which time all
rows are there again. PostgreSQL changes a table in its place.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        waivers = sa.Column("waivers", sa.JSON(), server_default=sa.text("'[]'"), nullable=False)
        op.add_column("campaign", waivers)
        return
    op.execute("PRAGMA defer_foreign_keys = ON")
    op.execute("CREATE TEMP TABLE campaign_before AS SELECT * FROM campaign")
    op.drop_table("campaign")
    kept: list[sa.Column[Any]] = [
        sa.Column("id", KEY, nullable=False),
        sa.Column("issue", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("transport", sa.Text(), nullable=False),
        sa.Column("sender_name", sa.Text(), nullable=False),
        sa.Column("sender_address", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.Text(), nullable=True),
        sa.Column("greeting", sa.JSON(), nullable=False),
        sa.Column("frozen_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
    ]
    names = [column.name for column in kept]
    made = op.create_table(
        "campaign",
        *kept,
        sa.Column("waivers", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.CheckConstraint("state IN ('sending', 'done')", name=op.f("ck_campaign_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("issue", name=op.f("uq_campaign_issue")),
        sa.UniqueConstraint("token", name=op.f("uq_campaign_token")),
        sqlite_autoincrement=True,
    )
    before = sa.table("campaign_before", *(sa.column(name) for name in names))
    op.execute(sa.insert(made).from_select(names, sa.select(before), include_defaults=False))
    op.execute("DROP TABLE temp.campaign_before")


def downgrade() -> None:
    op.drop_column("campaign", "waivers")
