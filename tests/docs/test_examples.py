"""The examples of the documents have the output that the documents show."""

from __future__ import annotations

import io
import shutil

import pytest
from rich.console import Console
from sqlalchemy import NullPool, create_engine

from autonomy_core.runtime import APPLICATION_ROLE, DATABASE_NAME
from demo.client import Narrator
from demo.story import Story
from tests.docs.markdown import DOCUMENTS, ROOT, Document, blocks_of
from tests.docs.shell import Command, Result, commands, disagreement
from tests.docs.stack import PORT_IN_DOCUMENTS

INDEX = Document(ROOT / "docs" / "README.md")
PREAMBLE = [
    command
    for block in blocks_of(INDEX.section("Try the examples"))
    for command in commands(block.text, block.line)
]
"""The commands that a reader runs before the examples of any document."""

NOT_EXECUTED = {
    ("README.md", "$ make demo"),
    ("README.md", "$ make test"),
    ("docs/README.md", "$ npm install --global @stripe/cli"),
    ("docs/README.md", '$ ACCOUNT="--api-base http://127.0.0.1:12111 --api-key sk_test_harbour"'),
    ("docs/README.md", "$ stripe trigger checkout.session.completed $ACCOUNT"),
    (
        "docs/api/clients.md",
        "$ npx openapi-typescript http://localhost:6543/api/v1/openapi.json --output api.d.ts",
    ),
    ("docs/faults.md", "$ make chaos SEED=7 PURCHASES=100 KILLS=10"),
    ("docs/faults.md", "$ make chaos-files SEED=1 UPLOADS=200 KILLS=12"),
    ("docs/operations.md", "CREATE ROLE autonomy_owner LOGIN PASSWORD 'change-me-too';"),
    (
        "docs/operations.md",
        "$ autonomy backup /var/backups/autonomy/2026-11-29 --secret-to /root/autonomy-secret",
    ),
    ("docs/operations.md", "$ autonomy restore --activate"),
    ("docs/performance.md", "$ make bench ROUNDS=5"),
    ("docs/performance.md", "$ python -m tests.functional.catalog.large 32 20000"),
    ("docs/performance.md", "$ make bench WHAT=catalogue ROUNDS=5"),
    ("docs/performance.md", "$ make bench WHAT=files ROUNDS=5"),
    ("docs/performance.md", "$ make bench WHAT=login ROUNDS=3"),
    ("docs/performance.md", "$ make bench WHAT=slow ROUNDS=5"),
    ("docs/performance.md", "$ .venv/bin/python -m bench.tenants"),
    ("docs/plugin-authors.md", "$ make install"),
    ("docs/plugin-authors.md", "$ pip install '/path/to/clone[testing]'"),
    ("docs/refunds.md", "$ autonomy payments give-up-refund harbour REFUND_ID --provider-has-not-paid"),
}
"""The first line of each block that is marked as not executed."""

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(
        not (shutil.which("bash") and shutil.which("curl")), reason="the examples are for bash and curl"
    ),
]


def executed(document):
    return [block for block in document.blocks("console") if block.excuse is None]


@pytest.mark.parametrize("document", [*filter(executed, DOCUMENTS)], ids=lambda document: document.name)
def test_the_console_blocks_of(document, stack):
    wrong = []
    with stack.shell() as shell:
        if document != INDEX:
            wrong += [
                found for step in PREAMBLE if (found := disagreement(step, stack.run(shell, step.text)))
            ]
        for block in executed(document):
            for command in commands(block.text, block.line):
                problem = disagreement(command, stack.run(shell, command.text))
                wrong += [problem] if problem else []
    assert not wrong, "\n\n".join([document.name, *wrong])


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(block, id=f"{document.name}:{block.line}")
        for document in DOCUMENTS
        for block in document.blocks("sql")
        if block.excuse is None
    ],
)
def test_sql_runs_as_the_application(block, stack):
    engine = create_engine(stack.places.database.url(DATABASE_NAME, APPLICATION_ROLE), poolclass=NullPool)
    with engine.connect() as connection:
        connection.connection.driver_connection.execute(block.text)


def test_the_transcript_of_the_readme_is_true(stack):
    written = io.StringIO()
    narrator = Narrator(Console(file=written, width=200, highlight=False))
    Story(stack.places, stack.processes, narrator, stack.products).run()
    [transcript] = [
        block for block in Document(ROOT / "README.md").blocks("text") if block.comment == "the transcript"
    ]
    shown = Command("make demo", transcript.text, transcript.line)
    told = written.getvalue().replace(stack.address, PORT_IN_DOCUMENTS)
    problem = disagreement(shown, Result(told, 0))
    assert problem is None, problem


def test_a_wrong_output_is_noticed(stack):
    with stack.shell() as shell:
        wrong = [
            disagreement(command, stack.run(shell, command.text))
            for command in commands(
                "$ echo right\nright\n$ echo left\nright\n$ false\n$ X=1\n$ echo $X\n1\n", 1
            )
        ]
    assert [problem is None for problem in wrong] == [True, False, False, True, True]


def test_only_these_are_not_executed_each_for_a_reason():
    found = {
        (document.name, block.text.splitlines()[0]): block.excuse
        for document in DOCUMENTS
        for block in document.all_blocks
        if block.excuse is not None
    }
    assert set(found) == NOT_EXECUTED
    assert [place for place, reason in found.items() if len(reason.split()) < 3] == []
