"""Statements for hot paths that are written as SQLAlchemy expressions, but executed by the driver.

Building, caching and executing an expression in SQLAlchemy takes several times as long as the driver. Here
each expression is compiled once.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, bindparam, types
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from autonomy_core.db.pipeline import Statement

if TYPE_CHECKING:
    from sqlalchemy.sql.compiler import SQLCompiler
    from sqlalchemy.sql.elements import ClauseElement
    from sqlalchemy.types import TypeEngine

DIALECT = PGDialect_psycopg()

_INSTEAD = "execute the expression with scope.session"


def compiled(expression: ClauseElement) -> Statement:
    """A statement for `TenantScope.execute_at_driver`, from a SQLAlchemy expression.

    It is compiled when it is first used, because that needs every model that a foreign key names. So a module
    may make one when it is imported.

    Args:
        expression: its values are what it names with `parameter`; all others are constants. Values and
            results go past SQLAlchemy's types.

    Raises:
        TypeError: at the first use, if SQLAlchemy would convert a value or a result.
    """
    return _Compiled(expression)


def parameter(name: str, type_: TypeEngine[Any]) -> BindParameter[Any]:
    """A placeholder of a compiled statement.

    Args:
        name: the name of its value.
        type_: the SQL type of its value.
    """
    return bindparam(name, None, type_=type_)


class _Compiled(Statement):
    """A statement whose text is compiled at its first use."""

    def __init__(self, expression: ClauseElement) -> None:
        super().__init__("")
        self._expression = expression

    @cached_property
    def _made(self) -> SQLCompiler:
        made: Any = self._expression.compile(dialect=DIALECT, compile_kwargs={"render_postcompile": True})
        _require_unconverted(made, self._expression)
        return made

    def _write(self) -> tuple[str, Mapping[str, Any]]:
        constants = {name: _plain(value) for name, value in self._made.params.items() if value is not None}
        return self._made.string, constants


def _require_unconverted(made: SQLCompiler, expression: Any) -> None:
    """Check that no value and no result needs a conversion by SQLAlchemy.

    Raises:
        TypeError
    """
    for value in made.binds.values():
        element = _element(value.type)
        if not isinstance(element, types.Boolean) and element.bind_processor(DIALECT) is not None:
            raise TypeError(f"a value of {value.type!r} is converted by SQLAlchemy: {_INSTEAD}")
    for result in getattr(expression, "exported_columns", ()):
        element = _element(result.type)
        # How a number is converted depends on the answer; the driver gives a Decimal or a float.
        if not isinstance(element, types.Numeric) and element.result_processor(DIALECT, None) is not None:
            raise TypeError(f"a result of {result.type!r} is converted by SQLAlchemy: {_INSTEAD}")


def _element(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    """The type as PostgreSQL's dialect has it; of an array, the type of its elements."""
    while isinstance(type_, types.ARRAY):
        type_ = type_.item_type
    return type_.dialect_impl(DIALECT)


def _plain(value: Any) -> Any:
    """Convert a member of a string enumeration to its value. `str(value)` may be the member's name."""
    return str.__str__(value) if isinstance(value, str) else value
