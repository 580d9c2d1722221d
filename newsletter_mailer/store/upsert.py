"""Inserting rows of which some may be there already.

SQLite took its ON CONFLICT over from PostgreSQL, and SQLAlchemy compiles PostgreSQL's
statement for both. It is imported where it is used: all drivers of that database come with it,
slowly.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, ColumnElement, Table, false, literal_column, or_

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert


def insert_into(table: Table) -> "Insert":
    """An INSERT that can say ON CONFLICT, for either database."""
    from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415

    return insert(table)


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
    statement = insert_into(table).values(values)
    return statement.on_conflict_do_update(
        index_elements=[table.c[key]],
        set_={name: statement.excluded[name] for name in changing},
        where=only_if,
    )


def insert_new(table: Table, values: Mapping[str, Any]) -> "Insert":
    """A statement that inserts `values`, and does nothing where their key is taken."""
    return insert_into(table).values(values).on_conflict_do_nothing()


def among(column: Column[str], words: Iterable[str]) -> ColumnElement[bool]:
    """The condition that a column holds one of the program's own words.

    They are part of the statement, which so can be executed for many rows at once.
    """
    return or_(false(), *(column == literal_column(f"'{word}'") for word in words))
