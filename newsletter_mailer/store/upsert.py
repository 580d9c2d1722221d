"""Insert a row, or change the one that is there.

SQLite took its statement over from PostgreSQL, and SQLAlchemy compiles PostgreSQL's for both.
It is imported where it is used: all drivers of that database come with it, slowly.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Table

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert


def upsert(
    table: Table,
    *,
    values: Mapping[str, Any],
    key: str,
    changing: Iterable[str],
    only_if: ColumnElement[bool],
) -> "Insert":
    """A statement that inserts `values` into `table`.

    Where the unique column `key` is taken, the row that is there is changed instead: the
    columns in `changing`, and those only if `only_if` holds for it.
    """
    from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415

    statement = insert(table).values(values)
    return statement.on_conflict_do_update(
        index_elements=[table.c[key]],
        set_={name: statement.excluded[name] for name in changing},
        where=only_if,
    )


def insert_new(table: Table, values: Mapping[str, Any]) -> "Insert":
    """A statement that inserts `values`, and does nothing where their key is taken."""
    from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415

    return insert(table).values(values).on_conflict_do_nothing()
