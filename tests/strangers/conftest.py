"""A virtual environment with the core installed from its wheel, as third-party authors have it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("autonomy_core", "plugins", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")


@dataclass(frozen=True)
class Environment:
    """A virtual environment that sees this one's dependencies, but not the checkout."""

    directory: Path

    @property
    def python(self) -> Path:
        return self.directory / "bin" / "python"

    @property
    def packages(self) -> Path:
        return Path(sysconfig.get_path("purelib", vars={"base": str(self.directory)}))

    def run(self, *arguments: str, cwd: Path, check: bool = True) -> str:
        """Run Python in it; gives what it writes."""
        quiet = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": ""}
        done = subprocess.run(
            [self.python, *arguments],
            cwd=cwd,
            env={**os.environ, **quiet},
            capture_output=True,
            text=True,
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def check_types(self, *arguments: str, cwd: Path) -> str:
        """Run mypy in it; gives what it writes, whether it finds something or not."""
        cache = f"--cache-dir={self.directory / 'mypy'}"
        return self.run("-m", "mypy", "--strict", cache, *arguments, cwd=cwd, check=False)

    def install(self, wheel: Path) -> None:
        pip(f"--python={self.python}", "install", "--no-deps", "--no-index", wheel)


def pip(*arguments: object) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def wheel_of(source: Path, target: Path) -> Path:
    """Build from a copy, so that nothing is left in the checkout."""
    copy = target / "source"
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", target, copy)
    return next(target.glob("*.whl"))


@pytest.fixture(scope="session")
def build_wheel():
    return wheel_of


@pytest.fixture(scope="session")
def core_wheel(tmp_path_factory):
    source = tmp_path_factory.mktemp("checkout")
    for name in SOURCES:
        path = ROOT / name
        (shutil.copytree if path.is_dir() else shutil.copy)(path, source / name)
    return wheel_of(source, tmp_path_factory.mktemp("core"))


@pytest.fixture(scope="session")
def stranger(core_wheel, tmp_path_factory):
    """The environment, with the core installed."""
    directory = tmp_path_factory.mktemp("stranger")
    venv.create(directory, symlinks=True)
    environment = Environment(directory)
    # Of the directory named here only modules are found; the editable checkout's own .pth file is not read.
    (environment.packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    environment.install(core_wheel)
    return environment
