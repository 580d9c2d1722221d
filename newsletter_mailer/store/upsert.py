"""Insert a row, or change the one that is there: the one statement databases spell differently."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Table
from sqlalchemy.dialects.sqlite import Insert, insert


def upsert(
    table: Table, *, key: str, changing: Iterable[str], only_if: ColumnElement[bool]
) -> Insert:
    """A statement that inserts rows into `table`, given as parameters when it is executed.

    A row whose unique column `key` is taken changes the row that is there instead: the
    columns in `changing`, and those only where `only_if` holds for the row that is there.
    """
    statement = insert(table)
    return statement.on_conflict_do_update(
        index_elements=[table.c[key]],
        set_={name: statement.excluded[name] for name in changing},
        where=only_if,
    )
