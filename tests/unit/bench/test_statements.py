"""What pgbench is given to execute is what a webhook executes; when that changes, this says so."""

import re

import pytest

from bench.database import conninfo, execute
from bench.rounds import play
from bench.webhooks import ours, pgbench

LOGGED = re.compile(r"^\d{4}-\S+ \S+ UTC \[\d+\] LOG:  (?:statement|execute [^:]+): ", re.MULTILINE)
NEXT_LINE = re.compile(r"^\d{4}-\S+ \S+ UTC \[", re.MULTILINE)
COMMENT = re.compile(r"^(--|\\set).*$", re.MULTILINE)

pytestmark = pytest.mark.processes


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


@pytest.fixture
def executed(postgresql, tmp_path):
    """What the application sends, a round trip each: for an event, when it has handled some, and for the same again."""
    with ours.shipped(postgresql, tmp_path, 1) as contender:
        address = conninfo(postgresql, ours.SHIPPED)
        execute(address, "ALTER ROLE autonomy_app IN DATABASE ours_shipped SET log_statement = 'all'")
        play(contender, range(3))

        def logged(act):
            before = postgresql.log_file.stat().st_size
            act()
            log = postgresql.log_file.read_text()[before:]
            return [NEXT_LINE.split(part)[0] for part in LOGGED.split(log)[1:]]

        yield logged(lambda: play(contender, range(3, 4))), logged(lambda: contender.run(range(3, 4)))
    postgresql.drop_database(ours.SHIPPED)


def test_pgbench_executes_what_a_webhook_executes_and_that_is_little(executed):
    event, duplicate = executed
    script = (pgbench.SCRIPTS_DIRECTORY / pgbench.SCRIPTS[pgbench.NAME]).read_text("utf-8")
    statements = [statement for sent in event for statement in sent.split("; ")]
    assert outlines(COMMENT.sub("", script).split(";\n")) == outlines(statements)
    assert len(outlines(event)) <= 6
    assert len(outlines(duplicate)) <= 3
