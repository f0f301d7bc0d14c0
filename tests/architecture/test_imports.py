"""Each module with models or compiled statements can be the first that a process imports.

It depends neither on which models are imported before, nor on the order in which sets are iterated.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (ROOT / "autonomy_core", *(path.parent for path in sorted(ROOT.glob("plugins/*/plugin.py"))))

SKIPPED = {"versions", "migrations", "plugin_template"}
"""Loaded by Alembic and by the scaffold, and not imported."""

SEEDS = (0, 1, 2)
"""A third of the modules is imported with each, which saves time."""

# Other distributions are imported once, by the process that forks. Of ours, a child imports one module first.
IMPORT_EACH = """
import importlib, os, sys

def import_in_child(name):
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        importlib.import_module(name)
    except BaseException as error:
        print(f"{name}: {type(error).__name__}: {error}", flush=True)
        os._exit(1)
    os._exit(0)

for name in sys.argv[1].split(","):
    importlib.import_module(name)
assert not [name for name in sys.modules if name.partition(".")[0] == "autonomy_core"]
for name in sys.stdin.read().split():
    import_in_child(name)
"""

OTHERS = (
    "alembic.command,click,cryptography.fernet,granian,jsonschema,marshmallow,obstore,procrastinate,"
    "prometheus_client,psycopg,pyramid.config,pyramid_retry,pyramid_tm,pytest,requests,rich.console,"
    "sqlalchemy.dialects.postgresql.psycopg,sqlalchemy.orm,stripe,structlog,venusian,webob,zope.sqlalchemy"
)


def modules():
    """The names of the core's and the plugins' modules with models, or with statements compiled of them."""
    for root in PACKAGES:
        for path in sorted(root.rglob("*.py")):
            inside = path.relative_to(root.parent).with_suffix("")
            concerned = path.name == "models.py" or " compiled(" in path.read_text("utf-8")
            if concerned and not SKIPPED & set(inside.parts):
                yield ".".join(inside.parts).removesuffix(".__init__")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_module_with_models_or_statements_is_imported_first(seed):
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    outcome = subprocess.run(
        [sys.executable, "-c", IMPORT_EACH, OTHERS],
        input="\n".join(list(modules())[seed :: len(SEEDS)]),
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (outcome.returncode, outcome.stderr, outcome.stdout) == (0, "", "")
