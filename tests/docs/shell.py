"""Run a document's console blocks as a reader does: in one shell, in order."""

from __future__ import annotations

import doctest
import os
import selectors
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

COMMAND_WITHIN_S = 120
END = "\x1eend-of-command"


@dataclass(frozen=True, slots=True)
class Command:
    """A command, and the output that the document shows."""

    text: str
    expected: str
    line: int


@dataclass(frozen=True, slots=True)
class Result:
    """The output of a command on both streams, and its exit status."""

    output: str
    status: int


def commands(block: str, first_line: int) -> Iterator[Command]:
    """The commands of a console block: ``$ `` begins one, ``> `` continues it, the rest is its output."""
    text: list[str] = []
    expected: list[str] = []
    began = first_line
    for number, line in enumerate(block.splitlines(), first_line):
        if line.startswith("$ "):
            if text:
                yield Command("\n".join(text), "\n".join(expected), began)
            text, expected, began = [line[2:]], [], number
        elif line.startswith("> ") and not expected:
            text.append(line[2:])
        else:
            assert text, f"line {number}: output before the first command"
            expected.append(line)
    if text:
        yield Command("\n".join(text), "\n".join(expected), began)


def disagreement(command: Command, result: Result) -> str | None:
    """The difference between a result and the document, or None.

    Whitespace counts as one space, ``...`` stands for anything. A command that is shown without output prints
    nothing and succeeds.
    """
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    same = doctest.OutputChecker().check_output(command.expected + "\n", result.output + "\n", options)
    if same and (result.status == 0 or command.expected.strip()):
        return None
    return (
        f"line {command.line}:\n$ {command.text}\nexpected:\n{command.expected}\n"
        f"got (exit status {result.status}):\n{result.output}"
    )


class Shell:
    """One bash, whose variables and functions stay from command to command.

    Args:
        directory: where it starts.
        environment: all of its environment.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._script = directory / ".command.sh"
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, text: str) -> Result:
        """Run a command to its end.

        Raises:
            TimeoutError: it does not end.
        """
        self._script.write_text(text + "\n", "utf-8")
        assert self._process.stdin
        line = f". {self._script} < /dev/null\nprintf '{END} %s\\n' $?\n"
        self._process.stdin.write(line.encode())
        self._process.stdin.flush()
        output, _, status = self._read_to_end(text).rpartition(END)
        return Result(output, int(status))

    def close(self) -> None:
        """End it."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()

    def _read_to_end(self, text: str) -> str:
        assert self._process.stdout
        deadline = time.monotonic() + COMMAND_WITHIN_S
        read = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while END.encode() not in read or not read.endswith(b"\n"):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError(f"{text!r} does not end; it has printed: {read!r}")
                read += os.read(self._process.stdout.fileno(), 65536)
        return read.decode("utf-8", "replace")
