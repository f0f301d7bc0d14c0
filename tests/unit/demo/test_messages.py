"""Errors of the demonstration are complete messages."""

import signal

import pytest
from click.testing import CliRunner

from demo import __main__ as command
from demo.places import free_port, write_whole
from demo.processes import DemoError

pytestmark = pytest.mark.processes


@pytest.fixture(autouse=True)
def signals():
    """The command runs in this process; the fixture restores the signal handlers."""
    before = {number: signal.getsignal(number) for number in command.ENDINGS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def demonstrate(directory):
    return CliRunner().invoke(command.main, [f"--port={free_port()}", f"--directory={directory}"])


def test_an_unwritable_directory_is_reported(tmp_path):
    (tmp_path / "var").write_bytes(b"a file")
    shown = demonstrate(tmp_path / "var" / "demo")
    assert shown.exit_code == 1
    assert "demonstration failed" in shown.output
    assert "Not a directory" in shown.output


@pytest.mark.parametrize("words", ["[error    ] job.failed", "an end [/] of nothing", "[app:main]"])
def test_text_that_looks_like_markup_is_shown_unchanged(tmp_path, monkeypatch, words):
    def fail(*_, **__):
        raise DemoError(words)

    monkeypatch.setattr(command, "run", fail)
    shown = demonstrate(tmp_path)
    assert shown.exit_code == 1
    assert words in shown.output


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "kept" / "key.json"
    with monkeypatch.context() as broken, pytest.raises(OSError, match="killed"):
        broken.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("killed")))
        write_whole(path, b"{}", mode=0o600)
    assert not path.exists()

    write_whole(path, b"{}", mode=0o600)
    assert path.read_bytes() == b"{}"
    assert [each.name for each in path.parent.iterdir()] == ["key.json"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_background_job_with_sigint_ignored_ends_on_sigint(tmp_path, monkeypatch):
    def interrupt(*_, **__):
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("it went on")

    monkeypatch.setattr(command, "run", interrupt)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    shown = demonstrate(tmp_path)
    assert "Stopped." in shown.output
