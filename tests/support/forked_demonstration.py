"""The processes of the demonstration as forks, for tests that are not about their start."""

from __future__ import annotations

import faulthandler
import subprocess

from demo import __main__ as demonstration
from demo.processes import Processes
from tests.support.forks import AUTONOMY, SIMULATOR, Fork, command


class ForkedProcesses(Processes):
    """As `Processes`."""

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        line = [*command(), f"--config={self._places.ini}", *arguments]
        return subprocess.run(line, capture_output=True, text=True, check=False)

    def _start(self, name: str, command: list[str]) -> None:
        # `python -m stripe_simulator …`, or `autonomy …`
        function, arguments = (SIMULATOR, command[3:]) if name == "simulator" else (AUTONOMY, command[1:])
        with self._log(name).open("wb") as log:
            self._running.append((name, Fork(function, arguments, log)))


DEMONSTRATION = f"{__name__}:main"


def main() -> None:
    """``python -m demo``, whose children are forks as well."""
    faulthandler.enable()
    demonstration.Processes = ForkedProcesses  # type: ignore[misc]
    demonstration.main(prog_name="python -m demo")
