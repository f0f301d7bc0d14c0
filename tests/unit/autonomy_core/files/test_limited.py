"""A function in a limited child process: its limits, and how its end is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from autonomy_core.files.limited import ChildFailed, LimitReached, Limits, run_limited

pytestmark = pytest.mark.processes

LIMITS = Limits(cpu_s=20, memory_bytes=400 * 1024 * 1024, wall_s=60)


def run(tmp_path: Path, code: str, limits: Limits = LIMITS) -> object:
    """Run some Python in the child."""
    path = tmp_path / "code.py"
    path.write_text(code)
    return run_limited("runpy:run_path", path, limits)


def failure(tmp_path: Path, code: str, limits: Limits = LIMITS) -> str:
    with pytest.raises(ChildFailed) as caught:
        run(tmp_path, code, limits)
    return str(caught.value)


def limit_reached(tmp_path: Path, code: str, limits: Limits = LIMITS) -> str:
    with pytest.raises(LimitReached) as caught:
        run(tmp_path, code, limits)
    return caught.value.limit


def test_a_function_answers_with_what_it_returns(tmp_path: Path) -> None:
    path = tmp_path / "nächte.txt"
    path.write_text("ein Stück")

    assert run_limited("os.path:basename", path, LIMITS) == "nächte.txt"
    assert run_limited("pathlib:Path.read_text", path, LIMITS) == "ein Stück"


def test_what_a_function_prints_is_no_part_of_its_answer(tmp_path: Path) -> None:
    assert run_limited("pprint:pprint", tmp_path, LIMITS) is None
    assert run_limited("builtins:print", tmp_path, LIMITS) is None


def test_an_answer_that_is_not_json_is_a_failure(tmp_path: Path) -> None:
    assert "TypeError" in failure(tmp_path, "")  # the globals of a module


def test_memory_is_limited(tmp_path: Path) -> None:
    assert limit_reached(tmp_path, "bytearray(450 << 20)") == "memory"


def test_processor_time_is_limited(tmp_path: Path) -> None:
    assert limit_reached(tmp_path, "while True: pass", Limits(cpu_s=1)) == "processor time"


def test_time_by_the_clock_is_limited(tmp_path: Path) -> None:
    assert limit_reached(tmp_path, "import time; time.sleep(60)", Limits(wall_s=0.2)) == "time"
    assert limit_reached(tmp_path, "while True: print('x' * 1000)", Limits(wall_s=0.5)) == "time"


def test_time_is_limited_when_the_child_has_closed_its_pipes(tmp_path: Path) -> None:
    closed = "import os, time; os.closerange(1, 10); time.sleep(60)"

    assert limit_reached(tmp_path, closed, Limits(wall_s=0.5)) == "time"


def test_the_size_of_the_answer_is_limited(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    path.write_text("x" * 2000)

    with pytest.raises(ChildFailed, match="more than 1000 bytes"):
        run_limited("pathlib:Path.read_text", path, Limits(output_bytes=1000))


def test_writing_files_is_forbidden(tmp_path: Path) -> None:
    written = f"open({str(tmp_path / 'x')!r}, 'wb', buffering=0).write(b'x')"

    assert "File too large" in failure(tmp_path, written)


def test_the_child_has_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTONOMY_SECRET", "a secret")
    monkeypatch.setenv("PYTHONHOME", "/nonexistent")  # would keep Python from starting

    found = failure(tmp_path, "import os; raise SystemError(sorted(os.environ))")

    assert "SystemError" in found
    assert "AUTONOMY" not in found


@pytest.mark.parametrize(
    ("code", "limit"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "memory"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "processor time"),
    ],
)
def test_a_signal_of_the_system_is_a_limit(tmp_path: Path, code: str, limit: str) -> None:
    assert limit_reached(tmp_path, code) == limit


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended with -11: no message"),
        ("raise SystemExit(3)", "ended with 3: no message"),
        ("raise ValueError('no chapter')", "ended with 1: ValueError: no chapter"),
        ("import os; os._exit(0)", "gave no answer"),
        ("import os; os.write(3, b'[]'); os._exit(0)", "gave no answer"),
    ],
    ids=["crash", "exit", "exception", "silence", "nonsense"],
)  # fmt: skip
def test_another_end_is_a_failure_with_its_reason(tmp_path: Path, code: str, reason: str) -> None:
    assert failure(tmp_path, code) == reason


def test_an_unknown_function_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match="ModuleNotFoundError"):
        run_limited("no_such_package.module:function", tmp_path, LIMITS)
