"""The pgbench script has the statements of a webhook; this fails when the webhook changes."""

import re

import pytest

from bench.database import conninfo, execute
from bench.rounds import play
from bench.webhooks import ours, pgbench
from tests.unit.bench.outlines import COMMENT, outlines

LOGGED = re.compile(r"^\d{4}-\S+ \S+ UTC \[\d+\] LOG:  (?:statement|execute [^:]+): ", re.MULTILINE)
NEXT_LINE = re.compile(r"^\d{4}-\S+ \S+ UTC \[", re.MULTILINE)

pytestmark = pytest.mark.processes


@pytest.fixture
def executed(postgresql, tmp_path):
    """The statements that the application sends for an event after its first events."""
    with ours.contender(postgresql, tmp_path, 1) as contender:
        address = conninfo(postgresql, ours.NAME)
        execute(address, "ALTER ROLE autonomy_app IN DATABASE ours SET log_statement = 'all'")
        play(contender, range(3))

        def logged(act):
            before = postgresql.log_file.stat().st_size
            act()
            log = postgresql.log_file.read_text()[before:]
            return [NEXT_LINE.split(part)[0] for part in LOGGED.split(log)[1:]]

        yield logged(lambda: play(contender, range(3, 4)))
    postgresql.drop_database(ours.NAME)


def test_pgbench_executes_what_a_webhook_executes(executed):
    script = (pgbench.SCRIPTS_DIRECTORY / pgbench.SCRIPTS[pgbench.NAME]).read_text("utf-8")
    assert outlines(COMMENT.sub("", script).split(";\n")) == outlines(executed)
