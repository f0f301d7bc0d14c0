from __future__ import annotations

from pathlib import Path

import pytest

from autonomy_core.tenancy.parser import parse

FILE = Path("acme.ini")


def codes(text: str) -> list[tuple[int, str]]:
    return [(problem.line, problem.code) for problem in parse(FILE, text).problems]


def test_every_value_knows_the_line_of_its_key():
    ini = parse(FILE, "# a comment\n[one]\na = 1\n\n; another\n[two]\nb=2\n")
    assert ini.problems == []
    assert (ini.sections["two"].line, ini.sections["two"].entries["b"].line) == (6, 7)
    assert ini.sections["one"].values() == {"a": "1"}


def test_an_indented_line_continues_the_value_above():
    ini = parse(FILE, "[one]\nhosts = a.example\n    b.example\n\n    # not this\n    c.example\n")
    assert ini.sections["one"].values() == {"hosts": "a.example\nb.example\nc.example"}


def test_a_value_keeps_its_percent_hash_colon_and_equals_signs():
    ini = parse(FILE, "[one]\nkey = a%b#c ; d:e=f\n")
    assert ini.sections["one"].values() == {"key": "a%b#c ; d:e=f"}


def test_windows_line_ends_are_read():
    assert parse(FILE, "[one]\r\na = 1\r\n").sections["one"].values() == {"a": "1"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[one]\njust words\n", 2),
        ("[one]\nNot A Key = 1\n", 2),
        ("[one\na = 1\n", 1),
        ("a = 1\n", 1),
        ("  a = 1\n", 1),
    ],
)
def test_a_line_that_is_not_ini_is_a_syntax_problem(text: str, line: int):
    assert codes(text) == [(line, "syntax")]


def test_a_key_given_twice_is_a_problem_and_the_first_one_counts():
    ini = parse(FILE, "[one]\na = 1\na = 2\n")
    assert [(problem.line, problem.code) for problem in ini.problems] == [(3, "duplicate_key")]
    assert ini.sections["one"].values() == {"a": "1"}


def test_a_repeated_section_is_a_problem_and_adds_no_keys():
    ini = parse(FILE, "[one]\na = 1\n[one]\nb = 2\n")
    assert [(problem.line, problem.code) for problem in ini.problems] == [(3, "duplicate_section")]
    assert ini.sections["one"].values() == {"a": "1"}


def test_all_problems_are_reported_at_once():
    assert codes("x\n[one]\na = 1\na = 2\n[one]\n") == [
        (1, "syntax"),
        (4, "duplicate_key"),
        (5, "duplicate_section"),
    ]


@pytest.mark.parametrize(
    "pasted", ["sk_live_S3cret", "MIIEvQIBADANBgkqS3cret==", "[sk_live_S3cret", "S3cret=abc"]
)
def test_a_secret_pasted_in_the_wrong_place_is_not_repeated(pasted: str):
    (problem,) = parse(FILE, f"[one]\n{pasted}\n").problems
    assert problem.line == 2
    assert "s3cret" not in str(problem).lower()
