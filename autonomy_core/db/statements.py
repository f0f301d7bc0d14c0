"""Statements of hot paths that are written with the models, and executed past SQLAlchemy.

To build, cache and execute an expression costs SQLAlchemy several times what the driver takes. Here each is compiled once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, BindParameter, Column, Table, bindparam, inspect
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from autonomy_core.db.base import Base
from autonomy_core.db.pipeline import Statement

if TYPE_CHECKING:
    from sqlalchemy.sql.elements import ClauseElement
    from sqlalchemy.types import TypeEngine

_DIALECT = PGDialect_psycopg()


def compiled(statement: ClauseElement) -> Statement:
    """An expression of SQLAlchemy's, for `TenantScope.execute_directly`.

    Args:
        statement: its values are what it names with `parameter`; all others are constants.
    """
    made = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    constants = {name: _plain(value) for name, value in made.params.items() if value is not None}
    return Statement(made.string, constants=constants)


def parameter(name: str, type_: TypeEngine[Any]) -> BindParameter[Any]:
    """A value of a compiled statement, by its name."""
    return bindparam(name, None, type_=type_)


def insertion(row: Base) -> tuple[Statement, Mapping[str, Any]]:
    """What inserts a new row of a model, for `DirectTransaction.execute_later`. The row gets its defaults.

    Args:
        row: of a table without columns that are arrays.
    """
    statement, columns = _insertion_into(type(row))
    return statement, {name: _value(row, name, column) for name, column in columns.items()}


@cache
def _insertion_into(model: type[Base]) -> tuple[Statement, Mapping[str, Column[Any]]]:
    mapper = inspect(model)
    table = mapper.local_table
    assert isinstance(table, Table)  # noqa: S101 - for the type checker
    columns = {mapper.get_property_by_column(each).key: each for each in table.columns}
    names = ", ".join(column.name for column in columns.values())
    arrays = ", ".join(f"%({name})s::{each.type.compile(_DIALECT)}[]" for name, each in columns.items())
    return Statement(f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays})"), columns  # noqa: S608


def _value(row: Base, name: str, column: Column[Any]) -> Any:
    if name not in row.__dict__ and column.default is not None:
        default: Any = column.default
        setattr(row, name, default.arg(None) if default.is_callable else default.arg)
    value = getattr(row, name)
    return json.dumps(value) if isinstance(column.type, JSON) and value is not None else _plain(value)


def _plain(value: Any) -> Any:
    """Without the class that an enumeration of texts has."""
    return str(value) if isinstance(value, str) else value
