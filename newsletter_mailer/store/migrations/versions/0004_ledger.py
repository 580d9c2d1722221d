"""The whole ledger: states, leases, fences, retries, doubt, suppressions and rates.

SQLite cannot change a check, and adds a column in the middle of a line of its schema. So
each table is made anew, and its rows are put back. Other tables point at them meanwhile:
that is looked at when the transaction ends, by which time all rows are there again.
PostgreSQL changes a table in its place.
"""

from collections.abc import Callable, Mapping

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
EMPTY = sa.text("''")
ZERO = sa.text("0")


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _in_place()
    else:
        op.execute("PRAGMA defer_foreign_keys = ON")
        _subscriber("'active', 'unconfirmed', 'unsubscribed'")
        _campaign()
        _batch()
        _delivery()
    op.create_table(
        "suppression",
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("detail", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("campaign_id", KEY, nullable=True),
        sa.Column("since", TIME, nullable=False),
        sa.CheckConstraint(
            "reason IN ('bounce', 'complaint', 'office')", name=op.f("ck_suppression_reason")
        ),
        sa.PrimaryKeyConstraint("email_key", name=op.f("pk_suppression")),
    )
    op.create_table(
        "rate_bucket",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("tat", sa.Float(), nullable=False),
        sa.Column("written", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rate_bucket")),
    )


def downgrade() -> None:
    """Take the tables back as far as the steps before can take them apart."""
    op.drop_table("rate_bucket")
    op.drop_table("suppression")
    op.drop_index(op.f("ix_delivery_campaign_id_batch_subscriber_id"), table_name="delivery")
    op.create_index(op.f("ix_delivery_campaign_id_batch"), "delivery", ["campaign_id", "batch"])


def _aside(table: str) -> list[str]:
    """Put a table's rows aside and drop it; the names of its columns."""
    names = [column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)]
    op.execute(f"CREATE TEMP TABLE {table}_before AS SELECT * FROM {table}")  # noqa: S608 - ours
    op.drop_table(table)
    return names


def _back(table: str, names: list[str], new: Mapping[str, str]) -> None:
    """Put the rows back; `new` names the columns from which new ones get their values."""
    before = sa.table(f"{table}_before", *(sa.column(name) for name in names))
    columns = [*names, *new]
    values = [before.c[name] for name in names] + [before.c[name] for name in new.values()]
    made = sa.table(table, *(sa.column(name) for name in columns))
    op.execute(sa.insert(made).from_select(columns, sa.select(*values)))
    op.execute(f"DROP TABLE temp.{table}_before")


def _go_on_counting(table: str) -> Callable[[], None]:
    """Keep SQLite's count of the numbers it has given out: none is ever given twice."""
    counter = sa.table("sqlite_sequence", sa.column("name"), sa.column("seq"))
    mine = counter.c.name == table
    last = op.get_bind().scalar(sa.select(counter.c.seq).where(mine))

    def restore() -> None:
        op.execute(sa.delete(counter).where(mine))
        if last is not None:
            op.execute(sa.insert(counter).values(name=table, seq=last))

    return restore


def _subscriber(states: str) -> None:
    go_on = _go_on_counting("subscriber")
    names = _aside("subscriber")
    op.create_table(
        "subscriber",
        sa.Column("id", KEY, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("import_id", KEY, nullable=True),
        sa.Column("import_line", sa.Integer(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.CheckConstraint(f"status IN ({states})", name=op.f("ck_subscriber_status")),
        sa.ForeignKeyConstraint(
            ["import_id"], ["import_run.id"], name=op.f("fk_subscriber_import_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriber")),
        sa.UniqueConstraint("email_key", name=op.f("uq_subscriber_email_key")),
        sqlite_autoincrement=True,
    )
    _back("subscriber", names, {})
    go_on()


def _campaign() -> None:
    go_on = _go_on_counting("campaign")
    names = _aside("campaign")
    op.create_table(
        "campaign",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("issue", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("audience_hash", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("audience", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("excluded", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("transport", sa.Text(), nullable=False),
        sa.Column("sender_name", sa.Text(), nullable=False),
        sa.Column("sender_address", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.Text(), nullable=True),
        sa.Column("greeting", sa.JSON(), nullable=False),
        sa.Column("frozen_at", TIME, nullable=False),
        sa.Column("frozen_by", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("scheduled_at", TIME, nullable=True),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("canary", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("canary_until", TIME, nullable=True),
        sa.Column("waivers", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.CheckConstraint(
            "state IN ('scheduled', 'sending', 'paused', 'done', 'cancelled')",
            name=op.f("ck_campaign_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("name", name=op.f("uq_campaign_name")),
        sa.UniqueConstraint("token", name=op.f("uq_campaign_token")),
        sqlite_autoincrement=True,
    )
    _back("campaign", names, {"name": "issue", "started_at": "frozen_at"})
    go_on()


def _batch() -> None:
    names = _aside("batch")
    op.create_table(
        "batch",
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("owner", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("next_at", TIME, nullable=True),
        sa.CheckConstraint("state IN ('ready', 'running', 'done')", name=op.f("ck_batch_state")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_batch_campaign_id")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "number", name=op.f("pk_batch")),
    )
    _back("batch", names, {})


def _delivery() -> None:
    op.drop_index(op.f("ix_delivery_campaign_id_batch"), table_name="delivery")
    names = _aside("delivery")
    op.create_table(
        "delivery",
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("subscriber_id", KEY, nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("next_try", TIME, nullable=True),
        sa.Column("code", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("error", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("provider_id", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("settled_at", TIME, nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'sending', 'sent', 'deferred', 'failed', 'in_doubt', "
            "'suppressed', 'skipped')",
            name=op.f("ck_delivery_status"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_delivery_campaign_id")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "subscriber_id", name=op.f("pk_delivery")),
    )
    op.create_index(
        op.f("ix_delivery_campaign_id_batch_subscriber_id"),
        "delivery",
        ["campaign_id", "batch", "subscriber_id"],
        unique=False,
    )
    _back("delivery", names, {})


def _in_place() -> None:
    """The same on PostgreSQL."""
    _new_check("subscriber", "status", "'active', 'unconfirmed', 'unsubscribed'")
    _new_check("campaign", "state", "'scheduled', 'sending', 'paused', 'done', 'cancelled'")
    _new_check(
        "delivery",
        "status",
        "'pending', 'sending', 'sent', 'deferred', 'failed', 'in_doubt', 'suppressed', 'skipped'",
    )
    new = {
        "campaign": (
            sa.Column("name", sa.Text()),
            sa.Column("reason", sa.Text(), server_default=EMPTY, nullable=False),
            sa.Column("audience_hash", sa.Text(), server_default=EMPTY, nullable=False),
            sa.Column("audience", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
            sa.Column("excluded", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
            sa.Column("frozen_by", sa.Text(), server_default=EMPTY, nullable=False),
            sa.Column("scheduled_at", TIME),
            sa.Column("started_at", TIME),
            sa.Column("canary", sa.Integer(), server_default=ZERO, nullable=False),
            sa.Column("canary_until", TIME),
        ),
        "batch": (
            sa.Column("epoch", sa.Integer(), server_default=ZERO, nullable=False),
            sa.Column("owner", sa.Text(), server_default=EMPTY, nullable=False),
            sa.Column("lease_until", TIME),
            sa.Column("next_at", TIME),
        ),
        "delivery": (
            sa.Column("epoch", sa.Integer(), server_default=ZERO, nullable=False),
            sa.Column("next_try", TIME),
            sa.Column("code", sa.Text(), server_default=EMPTY, nullable=False),
            sa.Column("provider_id", sa.Text(), server_default=EMPTY, nullable=False),
        ),
    }
    for table, columns in new.items():
        for column in columns:
            op.add_column(table, column)
    op.execute("UPDATE campaign SET name = issue, started_at = frozen_at")
    op.alter_column("campaign", "name", nullable=False)
    op.drop_constraint("uq_campaign_issue", "campaign")
    op.create_unique_constraint("uq_campaign_name", "campaign", ["name"])
    op.drop_index(op.f("ix_delivery_campaign_id_batch"), table_name="delivery")
    op.create_index(
        op.f("ix_delivery_campaign_id_batch_subscriber_id"),
        "delivery",
        ["campaign_id", "batch", "subscriber_id"],
    )


def _new_check(table: str, column: str, values: str) -> None:
    name = op.f(f"ck_{table}_{column}")
    op.drop_constraint(name, table)
    op.create_check_constraint(name, table, f"{column} IN ({values})")
