"""Inserting many rows of which some may be there already.

SQLite took its ON CONFLICT over from PostgreSQL, and SQLAlchemy compiles PostgreSQL's
statement for both.
"""

from collections.abc import Iterable

from sqlalchemy import Column, ColumnElement, Table, false, literal_column, or_
from sqlalchemy.dialects.postgresql import Insert, insert


def insert_into(table: Table) -> Insert:
    """An INSERT that can say ON CONFLICT, for either database."""
    return insert(table)


def among(column: Column[str], words: Iterable[str]) -> ColumnElement[bool]:
    """The condition that a column holds one of the program's own words.

    They are part of the statement, which so can be executed for many rows at once.
    """
    return or_(false(), *(column == literal_column(f"'{word}'") for word in words))
