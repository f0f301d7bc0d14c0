"""The page about the OWASP ASVS has every requirement, and names tests and files that exist."""

from __future__ import annotations

import re

import pytest

from tests.docs.markdown import ROOT

PAGE = (ROOT / "docs" / "security-asvs.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")] for line in PAGE.splitlines() if line[:1] == "|"
]
LINES = {row[0]: row for row in ROWS if re.fullmatch(r"\d+(\.\d+)+", row[0])}
LEVELS_1_AND_2 = {
    "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4,
    "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2,
    "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1,
    "9.1": 3, "9.2": 4,
    "10.1": 2, "10.2": 2, "10.3": 4, "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3,
}  # fmt: skip
"""How many requirements of levels 1 and 2 each section has, in the edition 5.0.0."""

NAMED = sorted(set(re.findall(r"`([\w./-]*(?:test_\w+(?:\.py)?|\w+\.py|tests/[\w/]+/?))`", PAGE)))
SOURCES = {path: path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
DEFINED = {name for text in SOURCES.values() for name in re.findall(r"def (test_\w+)", text)}
BESIDE = (ROOT, ROOT / "tests/functional/customer_auth", ROOT / "plugins")


def test_every_requirement_of_levels_1_and_2_has_a_line():
    expected = {f"{section}.{n}" for section, count in LEVELS_1_AND_2.items() for n in range(1, count + 1)}
    assert set(LINES) == expected


def test_every_line_says_whether_it_is_met_and_where_or_why_not():
    assert {row[2] for row in LINES.values()} <= {"met", "not met", "not applicable"}
    assert [number for number, row in LINES.items() if len(row) != 4 or not row[3].strip(" |")] == []


def test_the_page_names_tests():
    assert len(NAMED) > 50


@pytest.mark.parametrize("name", NAMED)
def test_what_the_page_names_exists(name):
    if name.startswith("test_") and not name.endswith(".py"):
        assert name in DEFINED
    else:
        assert any((directory / name).exists() for directory in BESIDE)
