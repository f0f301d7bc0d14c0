"""Whether SQL names the organisation of every tenant table that it reads or changes.

See docs/decisions/0040.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlalchemy import TextClause, event
from sqlalchemy.engine import Engine

from autonomy_core.db.base import Base

NO_ALIAS = r"(?!SET|WHERE|ON|JOIN|LEFT|INNER|ORDER|GROUP|FOR|USING|RETURNING|LIMIT|UNION)"


def unnamed(sql: str) -> list[str]:
    """The tenant tables in a statement whose organisation it does not name, each as it is called there."""
    tables = "|".join(
        sorted(name for name, each in Base.metadata.tables.items() if "organisation_id" in each.c)
    )
    # A comma between tables, and no column of one.
    uses = re.compile(
        rf"(?:\b(?:FROM|JOIN|UPDATE|USING)|,)\s+({tables})\b(?!\.)(?:\s+AS)?(?:\s+{NO_ALIAS}(\w+))?"
    )
    found = [(alias or table) for table, alias in uses.findall(sql)]
    return [name for name in found if not _is_named(sql, name, alone=len(found) == 1)]


def _is_named(sql: str, name: str, *, alone: bool) -> bool:
    unqualified = r"|(?<![.\w])" if alone else ""
    column = rf"(?:\b{name}\.{unqualified})organisation_id\b"
    return re.search(rf"{column}\s*(?:=|IN\b)|=\s*{column}", sql) is not None


def listen_to_statements(violations: list[str]) -> Iterator[list[str]]:
    """While it runs, collect the statements of models that do not name an organisation.

    Statements that tests write as text are not checked.
    """
    known: set[str] = set()

    def look(_connection, _cursor, sql, _parameters, context, _many) -> None:
        compiled = context.compiled
        if compiled is None or isinstance(compiled.statement, TextClause) or sql in known:
            return
        known.add(sql)
        violations.extend(f"{name} in: {sql}" for name in unnamed(sql))

    event.listen(Engine, "before_cursor_execute", look)
    yield violations
    event.remove(Engine, "before_cursor_execute", look)
