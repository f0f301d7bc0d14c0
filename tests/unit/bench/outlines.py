"""What statements do, so that those that are written differently can be compared."""

import re

COMMENT = re.compile(r"^(--|\\set).*$", re.MULTILINE)
STEP = re.compile(r"(INSERT INTO|UPDATE|DELETE FROM) (?!OF\b)(\w+)|FROM (\w+)(?:(?!FROM).)* (FOR UPDATE)")


def outline(statement):
    """What a statement does, to which tables, and what it locks; None for a connection's sign of life."""
    words = " ".join(statement.split())
    if words in ("", ";"):
        return None
    if found := re.match(r"(BEGIN|COMMIT|SAVEPOINT|RELEASE SAVEPOINT)\b", words):
        return found[1]
    if "set_config" in words:
        return "set_config"
    steps = (" ".join(filter(None, found.groups())) for found in STEP.finditer(words))
    return ", ".join(steps) or words


def outlines(statements):
    return [outlined for statement in statements if (outlined := outline(statement)) is not None]
