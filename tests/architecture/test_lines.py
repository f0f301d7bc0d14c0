"""Lines have at most 110 characters: in code, documents, settings, mails, pages and the Makefile."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 110

AT_THE_TOP = ("*.md", "*.ini", "*.cfg", "*.toml", "Makefile", ".ci/*")
ROOTS = (
    "autonomy_core",
    "bench",
    "changelog.d",
    "demo",
    "docs",
    "examples",
    "plugins",
    "tenants",
    "tests",
)
SUFFIXES = {".cfg", ".css", ".html", ".ini", ".js", ".mako", ".md", ".py", ".sql", ".toml", ".txt"}

PRAGMA = re.compile(r"  # (noqa|type: ignore)\b.*")
"""A comment for a tool, which has to be in its line."""
ADDRESS = re.compile(r"(^|Source: )https?://\S+$")
"""A long address is one word."""
COMMAND = re.compile(r"\s*[$>] ")
"""A command in a transcript. Its output is as long as it is."""


def paths():
    for pattern in AT_THE_TOP:
        yield from ROOT.glob(pattern)
    for root in ROOTS:
        yield from (path for path in (ROOT / root).rglob("*") if path.suffix in SUFFIXES)


def long_lines(path):
    """The numbers of a file's lines that are too long and could be shorter."""
    is_code = False
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if path.suffix == ".md":
            is_fence = line.lstrip().startswith("```")
            is_code ^= is_fence
            is_output = is_code and not COMMAND.match(line)
            if is_output or line.lstrip().startswith("|"):
                continue
        if len(PRAGMA.sub("", line)) > LONGEST and not ADDRESS.search(line):
            yield number


def test_no_line_is_longer_than_it_may_be():
    files = {path for path in paths() if path.is_file()}
    assert len(files) > 1500
    found = {f"{path.relative_to(ROOT)}:{number}" for path in files for number in long_lines(path)}
    assert found == set()
