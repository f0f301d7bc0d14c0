"""Outlines of SQL statements, to compare statements that are written differently."""

import re

COMMENT = re.compile(r"^(--|\\set).*$", re.MULTILINE)
STEP = re.compile(r"(INSERT INTO|UPDATE|DELETE FROM) (?!OF\b)(\w+)|FROM (\w+)(?:(?!FROM).)* (FOR UPDATE)")


def outline(statement):
    """The verb of a statement, its tables and its locks; None for a ping of the connection."""
    words = " ".join(statement.split())
    if words in ("", ";"):
        return None
    if found := re.match(r"(BEGIN|COMMIT|SAVEPOINT|RELEASE SAVEPOINT)\b", words):
        return found[1]
    if "set_config" in words:
        return "set_config"
    if "procrastinate_defer_jobs" in words:
        return "defer"
    steps = (" ".join(filter(None, found.groups())) for found in STEP.finditer(words))
    return ", ".join(steps) or words


def outlines(statements):
    return [outlined for statement in statements if (outlined := outline(statement)) is not None]
