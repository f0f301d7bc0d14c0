"""Prevents hooks and providers, which work in their caller's transaction, from ending it.

The connection stores whether commits are forbidden, because such code may use the connection in several ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

COMMIT_FORBIDDEN = "autonomy.commit_forbidden"
"""Key in the connection's pool info: True while the connection is used by code that must not commit."""

SPOILT = (
    "the transaction has ended, or cannot be used any more: an error of the database that is caught without "
    "a savepoint undoes everything that was done; put what may fail into session.begin_nested()"
)


class NotYourTransaction(RuntimeError):
    """A guest of the transaction, such as a hook, tried to end it or made it unusable."""


@contextmanager
def commit_forbidden_on(known: MutableMapping[str, Any]) -> Iterator[None]:
    """Forbid ending the transaction of a connection within the block.

    Args:
        known: the pool's info dictionary of the connection.
    """
    before = known.get(COMMIT_FORBIDDEN, False)
    known[COMMIT_FORBIDDEN] = True
    try:
        yield
    finally:
        known[COMMIT_FORBIDDEN] = before


def refuse_end(what: str) -> None:
    """Raise the error for an attempt to end a transaction.

    Args:
        what: the call or statement, for the message.

    Raises:
        NotYourTransaction: always.
    """
    raise NotYourTransaction(
        f"{what} would end the transaction of the caller, which alone commits it or rolls it back; "
        "to undo a part of your own work, use session.begin_nested()"
    )


# A cheap first test, which runs for every statement of such code. It also matches within other words.
_SUSPICIOUS = re.compile(r"COMMIT|END|ABORT|ROLLBACK|PREPARE", re.IGNORECASE)

# Texts, quoted names and comments. Source: https://www.postgresql.org/docs/current/sql-syntax-lexical.html
_QUOTED = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | \$(\w*)\$.*?\$\1\$ | --[^\n]* | /\*.*?\*/""",
    re.DOTALL | re.VERBOSE,
)

# `ROLLBACK TO SAVEPOINT` ends no transaction.
_ENDS = re.compile(
    r"\s*(?:COMMIT|END|ABORT|PREPARE\s+TRANSACTION|ROLLBACK(?!\s+(?:(?:WORK|TRANSACTION)\s+)?TO\b))\b",
    re.IGNORECASE,
)


def ends_transaction(sql: str) -> bool:
    """Whether one of the statements in an SQL text commits the transaction or rolls it back.

    This detects mistakes. It does not protect against code that hides such statements.

    Source: https://www.postgresql.org/docs/current/sql-commands.html
    """
    if not _SUSPICIOUS.search(sql):
        return False
    return any(_ENDS.match(statement) for statement in _QUOTED.sub(" ", sql).split(";"))
