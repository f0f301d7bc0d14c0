"""What pgbench is given to execute is what a webhook executes; when that changes, this says so."""

import re

import pytest

from bench.webhooks import ours, pgbench
from bench.webhooks.database import execute
from bench.webhooks.rounds import play

LOGGED = re.compile(r"^\d{4}-\S+ \S+ UTC \[\d+\] LOG:  (?:statement|execute [^:]+): ", re.MULTILINE)
NEXT_LINE = re.compile(r"^\d{4}-\S+ \S+ UTC \[", re.MULTILINE)
COMMENT = re.compile(r"^(--|\\set).*$", re.MULTILINE)

pytestmark = pytest.mark.processes


def outline(statement):
    """What a statement does, to which table, and whether it locks; None for a connection's sign of life."""
    words = " ".join(statement.split())
    if words in ("", ";"):
        return None
    if found := re.match(r"(BEGIN|COMMIT|SAVEPOINT|RELEASE SAVEPOINT|SET LOCAL \w+)\b", words):
        return found[1]
    if "set_config" in words:
        return "set_config"
    verb, table = re.match(r"(?:(INSERT) INTO|(UPDATE)|(SELECT) .*? FROM) (\w+)", words).group(1, 4)
    verb = verb or words.split()[0]
    return f"{verb} {table}{' FOR UPDATE' if 'FOR UPDATE' in words else ''}"


def outlines(statements):
    return [outlined for statement in statements if (outlined := outline(statement)) is not None]


@pytest.fixture
def executed(postgresql, tmp_path):
    """What the application executes for one event, when it has handled some before."""
    with ours.contender(postgresql, tmp_path, 1) as contender:
        execute(contender.address, "ALTER ROLE autonomy_app IN DATABASE ours SET log_statement = 'all'")
        play(contender, range(3))
        before = postgresql.log_file.stat().st_size
        play(contender, range(3, 4))
        log = postgresql.log_file.read_text()[before:]
    postgresql.drop_database(ours.NAME)
    return outlines(NEXT_LINE.split(part)[0] for part in LOGGED.split(log)[1:])


def test_pgbench_executes_what_a_webhook_executes(executed):
    script = (pgbench.SCRIPTS_DIRECTORY / pgbench.SCRIPTS[pgbench.NAME]).read_text("utf-8")
    assert outlines(COMMENT.sub("", script).split(";\n")) == executed
