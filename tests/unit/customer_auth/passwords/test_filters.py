"""The file that tells whether a password is in a list."""

import hashlib

import pytest
from click.testing import CliRunner

from customer_auth.commands import build_filter
from customer_auth.passwords.filters import NotAFilter, PasswordFilter, build
from customer_auth.passwords.rules import common_passwords

LISTED = ["letmein", "Correct Horse", "пароль", "a:b", "123456:7"]


def sha1(password):
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest()


@pytest.fixture
def listed(tmp_path):
    """A list of passwords as they are."""
    path = tmp_path / "list.txt"
    path.write_text("\n".join([*LISTED, "", "windows"]) + "\r\n", "utf-8")
    return path


@pytest.fixture
def made(listed, tmp_path):
    return build([listed], tmp_path / "made.filter", 0.001)


def test_every_listed_password_is_found(made):
    assert [each for each in [*LISTED, "windows"] if each not in made] == []


def test_listed_passwords_are_found_in_lower_case(made):
    assert "correct horse" in made


def test_passwords_are_found_by_their_published_hashes(tmp_path):
    path = tmp_path / "hashes.txt"
    path.write_text(f"{sha1('letmein').upper()}:42\n{sha1('Tr0ub4dor')}\n")
    made = build([path], tmp_path / "made.filter", 0.001)
    assert {each for each in ("letmein", "Tr0ub4dor", "tr0ub4dor") if each in made} == {
        "letmein",
        "Tr0ub4dor",
    }


def test_few_others_are_called_listed(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("\n".join(f"password number {number}" for number in range(2000)))
    made = build([path], tmp_path / "made.filter", 0.01)
    mistakes = sum(f"another password {number}" in made for number in range(5000))
    # Expected: 50. The passwords are fixed, so the count is always the same.
    assert 25 < mistakes < 75


def test_the_file_has_the_size_that_the_rate_requires(listed, made, tmp_path):
    # ln(1000) / ln(2)² = 14.4 bits for each of seven, one of which has a second spelling.
    bits = (tmp_path / "made.filter").read_bytes().partition(b"\n")[2]
    assert (len(made), len(bits)) == (7, 13)


@pytest.mark.parametrize("damage", [lambda whole: whole[:-1], lambda whole: whole + b"x", lambda whole: b""])
def test_an_incomplete_file_is_refused(made, tmp_path, damage):
    path = tmp_path / "damaged.filter"
    path.write_bytes(damage((tmp_path / "made.filter").read_bytes()))
    with pytest.raises(NotAFilter):
        PasswordFilter(path)


@pytest.mark.parametrize(
    "first",
    [
        b"letmein",
        b"[]",
        b"{}",
        b'{"format": "x", "bits": 8, "positions": 1, "passwords": 1}',
        b'{"format": "autonomy-password-filter-1", "bits": 0, "positions": 1, "passwords": 1}',
        b'{"format": "autonomy-password-filter-1", "bits": "8", "positions": 1, "passwords": 1}',
    ],
)
def test_another_file_is_refused(tmp_path, first):
    path = tmp_path / "other.filter"
    path.write_bytes(first + b"\nx")
    with pytest.raises(NotAFilter):
        PasswordFilter(path)


def test_a_failed_build_leaves_the_previous_filter(made, tmp_path):
    target = tmp_path / "made.filter"
    before = target.read_bytes()
    empty = tmp_path / "empty.txt"
    empty.write_text("\n\n")
    with pytest.raises(ValueError, match="no password"):
        build([empty], target, 0.001)
    assert target.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.txt", "list.txt", "made.filter"]


def test_the_command_states_size_and_mistakes(listed, tmp_path):
    target = tmp_path / "by-command.filter"
    said = CliRunner().invoke(build_filter, [str(listed), "--to", str(target), "--rate", "0.001"])
    assert said.exit_code == 0, said.output
    assert f"7 passwords, {target.stat().st_size} bytes, 0." in said.output
    assert "letmein" in PasswordFilter(target)


def test_the_shipped_filter_knows_the_most_common_passwords():
    missing = [
        each for each in ("123456", "password", "qwertyuiop", "iloveyou") if each not in common_passwords()
    ]
    assert missing == []
