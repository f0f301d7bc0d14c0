"""Inserts new rows without SQLAlchemy's session, and decides for which rows this is possible.

A session does more than an INSERT. It converts values by their column types, leaves values to the database
and reads them back, writes rows of relationships, and calls listeners. A model that needs any of this is not
plain, and a session writes its rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from inspect import Parameter, signature
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Table, inspect, types
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.exc import UnmappedColumnError
from sqlalchemy.types import TypeEngine

from autonomy_core.db.base import Base
from autonomy_core.db.pipeline import Statement
from autonomy_core.db.statements import DIALECT

Write = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Kind:
    """Column types whose values the driver can send without conversion.

    Attributes:
        classes: of column types; not their subclasses, which may convert.
        writers: for each exact class of a value, what makes of it the value that the driver is given.
        declared: how the types begin in a CREATE TABLE; a variant for PostgreSQL begins otherwise.
    """

    classes: frozenset[type[TypeEngine[Any]]]
    writers: Mapping[type, Write]
    declared: frozenset[str]


def _unchanged(value: Any) -> Any:
    return value


_TEXT = _Kind(
    frozenset({types.Text, types.String, types.Unicode, types.UnicodeText, types.TEXT, types.VARCHAR}),
    {str: _unchanged},
    frozenset({"TEXT", "VARCHAR"}),
)
_JSON = _Kind(
    frozenset({types.JSON, postgresql.JSON, postgresql.JSONB}),
    dict.fromkeys((dict, list, str, int, float, bool), json.dumps),
    frozenset({"JSON", "JSONB"}),
)
_KINDS = (
    _TEXT,
    _JSON,
    _Kind(
        frozenset(
            {
                types.Integer,
                types.BigInteger,
                types.SmallInteger,
                types.INTEGER,
                types.BIGINT,
                types.SMALLINT,
            }
        ),
        {int: _unchanged},
        frozenset({"INTEGER", "BIGINT", "SMALLINT"}),
    ),
    _Kind(frozenset({types.Boolean, types.BOOLEAN}), {bool: _unchanged}, frozenset({"BOOLEAN"})),
    _Kind(
        frozenset({types.DateTime, types.TIMESTAMP, postgresql.TIMESTAMP}),
        {datetime: _unchanged},
        frozenset({"TIMESTAMP"}),
    ),
    _Kind(frozenset({types.Uuid, types.UUID}), {UUID: _unchanged}, frozenset({"UUID"})),
)


@dataclass(frozen=True, slots=True)
class _PlainColumn:
    """A column of a plain model.

    Attributes:
        key: the attribute of the model.
        default: makes the value of a row that has none; None where that is NULL.
        left_to_database: whether the database chooses the value of a row that has none.
    """

    key: str
    kind: _Kind
    default: Callable[[], Any] | None
    left_to_database: bool


@dataclass(frozen=True, slots=True)
class _PlainModel:
    """How to insert rows of a model without a session."""

    statement: Statement
    columns: Sequence[_PlainColumn]


def insertion(row: Base) -> tuple[Statement, Mapping[str, Any]] | None:
    """What inserts a new row, for `DriverTransaction.execute_later`; None if it needs a session.

    The attributes that have a Python default and no value are set, as a session does when it flushes.
    """
    plain = _plain_model(type(row))
    if plain is None or not inspect(row).transient:
        return None
    given, defaults, values = row.__dict__, {}, {}
    for column in plain.columns:
        # As in a session, None counts as no value where there is a default.
        value = given.get(column.key)
        if value is None:
            if _is_for_session(column, given):
                return None
            if column.default is not None:
                value = defaults[column.key] = column.default()
        if value is not None:
            write = _writer(column.kind, value)
            if write is None:
                return None
            value = write(value)
        values[column.key] = value
    for key, value in defaults.items():
        setattr(row, key, value)
    return plain.statement, values


def _is_for_session(column: _PlainColumn, given: Mapping[str, Any]) -> bool:
    """Whether a missing value is neither NULL nor a Python default. A JSON column may get JSON's own null."""
    return column.left_to_database or (column.kind is _JSON and column.key in given)


def _writer(kind: _Kind, value: Any) -> Write | None:
    write = kind.writers.get(type(value))
    if write is None and kind is _TEXT and isinstance(value, str):
        # Without the class that an enumeration of texts has. `str(value)` may be the name of its member.
        return str.__str__
    return write


@cache
def _plain_model(model: type[Base]) -> _PlainModel | None:
    """How to insert rows of a model without a session; None if the model is not plain."""
    mapper = inspect(model)
    table = mapper.local_table
    if not isinstance(table, Table) or _needs_session(mapper):
        return None
    try:
        found = {mapper.get_property_by_column(column).key: column for column in table.columns}
    except UnmappedColumnError:
        return None
    columns = [_plain_column(key, column, table) for key, column in found.items()]
    plain = [column for column in columns if column is not None]
    return _PlainModel(_statement(table, found), plain) if len(plain) == len(columns) else None


def _needs_session(mapper: Mapper[Any]) -> bool:
    """Whether a session does more with a new row than writing the table's columns."""
    return (
        mapper.inherits is not None
        or mapper.polymorphic_on is not None
        or mapper.version_id_col is not None
        or any(not relationship.viewonly for relationship in mapper.relationships)
        or bool(mapper.dispatch.before_insert)
        or bool(mapper.dispatch.after_insert)
    )


def _plain_column(key: str, column: Column[Any], table: Table) -> _PlainColumn | None:
    """A column as a plain model has it; None if only a session can write it."""
    kind = next((each for each in _KINDS if type(column.type) in each.classes), None)
    if kind is None or column.type.compile(DIALECT).split("(")[0].split()[0] not in kind.declared:
        return None
    if not _is_plain_variant(column.type):
        return None
    default: Any = column.default
    if default is None:
        chosen = column.server_default is not None or column is table.autoincrement_column
        return _PlainColumn(key, kind, None, left_to_database=chosen)
    if default.is_scalar:
        return _PlainColumn(key, kind, lambda: default.arg, left_to_database=False)
    if default.is_callable and not _takes_context(default.arg):
        return _PlainColumn(key, kind, lambda: default.arg(None), left_to_database=False)
    return None


def _is_plain_variant(type_: TypeEngine[Any]) -> bool:
    """Whether the type's options leave its values unconverted, too."""
    if isinstance(type_, types.Uuid):
        return bool(type_.as_uuid)
    # Of an aware time, PostgreSQL would ignore the offset.
    return not isinstance(type_, types.DateTime) or bool(type_.timezone)


def _takes_context(function: Callable[..., Any]) -> bool:
    """Whether the function of a default takes SQLAlchemy's execution context; SQLAlchemy wraps others."""
    try:
        parameters = signature(function).parameters.values()
    except ValueError:
        # A class written in C, such as dict.
        return False
    positional = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return any(each.kind in positional and each.default is Parameter.empty for each in parameters)


def _statement(table: Table, columns: Mapping[str, Column[Any]]) -> Statement:
    prepare = DIALECT.identifier_preparer
    names = ", ".join(prepare.quote(column.name) for column in columns.values())
    arrays = ", ".join(f"%({key})s::{_sent_as(column.type)}[]" for key, column in columns.items())
    into = f"{prepare.format_table(table)} ({names})"
    return Statement(f"INSERT INTO {into} SELECT * FROM unnest({arrays})")  # noqa: S608 - quoted


def _sent_as(type_: TypeEngine[Any]) -> str:
    """The SQL type to cast values to. A cast to a type of limited length would truncate values."""
    return "TEXT" if isinstance(type_, types.String) else type_.compile(DIALECT)
