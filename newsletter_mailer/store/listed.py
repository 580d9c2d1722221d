"""A condition for many rows at once: a number that stands in a list of any length."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Dialect, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine

from newsletter_mailer.store.postgres import NAME


class _Numbers(TypeDecorator[Sequence[int]]):
    """A list of numbers as one value: an array on PostgreSQL, JSON on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """What the driver is told that it is."""
        return dialect.type_descriptor(ARRAY(BigInteger) if dialect.name == NAME else Text())

    def process_bind_param(self, value: Sequence[int] | None, dialect: Dialect) -> object:
        """The list as the driver takes it."""
        return value if dialect.name == NAME else json.dumps(value)


class _Listed(FunctionElement[Any]):
    """That a column's value stands in a list."""

    # Not Boolean: with it SQLAlchemy writes "= 1" behind, and SQLite looks at every row.
    type = NullType()
    inherit_cache = True


def listed(column: ColumnElement[int], name: str) -> ColumnElement[bool]:
    """The condition that a column holds one of the numbers in the parameter `name`.

    With IN each number would be a parameter, and each length of the list a statement of its
    own: the driver remembers the last 128 of these, which were about 10 MB.
    """
    return _Listed(column, bindparam(name, type_=_Numbers()))


@compiles(_Listed)
def _compile(element: _Listed, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    column, numbers = (compiler.process(each, **options) for each in element.clauses)
    if compiler.dialect.name == NAME:
        return f"{column} = ANY ({numbers})"
    return f"{column} IN (SELECT value FROM json_each({numbers}))"  # noqa: S608 - from SQLAlchemy
