"""Checks that SQLite makes quickly, in the tables of which a campaign writes many rows.

For a list of words SQLite makes a table anew at each row that it checks, which took half of
the time of an UPDATE. It cannot change a check either, so each table is made anew; no other
points at them. PostgreSQL has no such trouble, and nothing to change.
"""

import re
from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

from newsletter_mailer.errors import StoreError

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

STATES = ("sent", "sending", "pending", "deferred", "failed", "in_doubt", "suppressed", "skipped")
REPORTED = (
    "processed",
    "deferred",
    "delivered",
    "dropped",
    "blocked",
    "soft_bounced",
    "bounced",
    "complained",
)
CLASSES = ("human", "proxied", "unknown", "machine")
CHECKED = (
    ("delivery", "status", STATES),
    ("feedback", "state", REPORTED),
    ("opened", "class", CLASSES),
    ("clicked", "class", CLASSES),
    ("reach_total", "class", CLASSES),
)


def upgrade() -> None:
    _check(lambda column, words: " OR ".join(f"{column} = '{word}'" for word in words))


def downgrade() -> None:
    _check(lambda column, words: f"{column} IN ({', '.join(map(repr, words))})")


def _check(condition: Callable[[str, tuple[str, ...]], str]) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table, column, words in CHECKED:
            _make_anew(table, f"ck_{table}_{column}", condition(column, words))


def _make_anew(table: str, check: str, condition: str) -> None:
    """The same table with the same rows and indexes, and another condition in one check."""
    master = sa.table("sqlite_master", *map(sa.column, ("type", "name", "tbl_name", "sql")))
    here = sa.select(master.c.sql).where(master.c.tbl_name == table, master.c.sql.is_not(None))
    connection = op.get_bind()
    made: str = connection.scalars(here.where(master.c.type == "table")).one()
    indexes = connection.scalars(here.where(master.c.type == "index")).all()
    # Each constraint stands in a line of its own.
    changed, found = re.subn(rf"(CONSTRAINT {check} CHECK) \(.*\)", rf"\1 ({condition})", made)
    if found != 1:
        raise StoreError(f"The table {table} has no check {check}: this program did not make it.")
    op.rename_table(table, f"{table}_before")
    connection.exec_driver_sql(changed)
    connection.exec_driver_sql(f"INSERT INTO {table} SELECT * FROM {table}_before")  # noqa: S608
    op.drop_table(f"{table}_before")
    for index in indexes:
        connection.exec_driver_sql(index)
