"""Changing a key keeps the layout and the comments of the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy_core.tenancy.parser import parse
from autonomy_core.tenancy.rewriting import NotRewritable, with_keys

FILE = """\
# The shop of the harbour.
[organisation]
name = Harbour   # not a comment

[cards]
; keys of the sandbox
key = first
# The secret.
# secret =

# Several lines:
hosts = one
    two
  # among them
    three

[media]
key = other
"""


def test_a_value_is_replaced_where_it_stands():
    assert with_keys(FILE, "cards", {"key": "second"}) == FILE.replace("key = first", "key = second")


def test_a_key_that_is_commented_out_is_written_there():
    assert with_keys(FILE, "cards", {"secret": "s"}) == FILE.replace("# secret =", "secret = s")


def test_a_commented_out_key_with_a_value_is_a_note_and_stays():
    noted = FILE.replace("# secret =", "# secret = an old one")
    assert "# secret = an old one" in with_keys(noted, "cards", {"secret": "s"})


def test_a_new_key_follows_the_last_one_of_its_section():
    assert with_keys(FILE, "cards", {"id": "7"}) == FILE.replace("    three\n", "    three\nid = 7\n")


def test_a_value_of_several_lines_is_replaced_as_a_whole():
    changed = with_keys(FILE, "cards", {"hosts": "four"})
    assert "hosts = four\n  # among them\n\n[media]" in changed


def test_setting_and_removing_a_key_leaves_the_file_as_it_was():
    for key in ("secret", "id"):
        assert with_keys(with_keys(FILE, "cards", {key: "x"}), "cards", {key: None}) == FILE


def test_removing_what_is_not_there_changes_nothing():
    assert with_keys(FILE, "cards", {"id": None}) == FILE


def test_line_endings_stay():
    windows = FILE.replace("\n", "\r\n")
    changed = with_keys(windows, "cards", {"key": "second", "id": "7"})
    assert changed == with_keys(FILE, "cards", {"key": "second", "id": "7"}).replace("\n", "\r\n")


def test_a_new_key_after_an_unterminated_line_gets_its_own_line():
    assert with_keys("[cards]\nkey = 1", "cards", {"id": "7"}) == "[cards]\nkey = 1\nid = 7"


def test_a_comment_inside_a_value_is_no_place_for_a_key():
    text = "[cards]\nhosts = one\n# secret =\n    two\n"
    assert with_keys(text, "cards", {"secret": "s"}) == f"{text}secret = s\n"


@pytest.mark.parametrize("value", ["", " padded ", "two\nlines", "two\rlines", "bell\a"])
def test_a_value_that_would_be_parsed_differently_is_refused(value: str):
    with pytest.raises(NotRewritable, match="id"):
        with_keys(FILE, "cards", {"id": value})


def test_a_section_that_is_not_there_is_refused():
    with pytest.raises(NotRewritable, match=r"\[stripe\]"):
        with_keys(FILE, "stripe", {"key": "1"})


LINES = st.sampled_from(
    [
        "[cards]",
        "[other]",
        "[Bad",
        "",
        "# note",
        "# id =",
        "; id=",
        "id = 1",
        "key = a",
        "  more",
        "  # inner",
        "nonsense",
        "  [cards]",
        "key",
        "\t",
    ]
)


def lines_of(text: str) -> list[str]:
    """The lines of a text, with the empty one after a final newline, which `str.splitlines` omits."""
    return [line.rstrip("\r") for line in text.split("\n")]


@given(st.lists(LINES, max_size=12), st.sampled_from(["\n", "\r\n"]), st.sampled_from(["x", None]))
def test_any_file_changes_in_the_one_key_or_not_at_all(lines: list[str], ending: str, value: str | None):
    text = ending.join(["[cards]", *lines])
    before = {name: section.values() for name, section in parse(Path(), text).sections.items()}
    try:
        changed = with_keys(text, "cards", {"id": value})
    except NotRewritable:
        return
    after = {name: section.values() for name, section in parse(Path(), changed).sections.items()}
    before["cards"] |= {"id": value} if value else {}
    if value is None:
        before["cards"].pop("id", None)
    assert after == before
    kept = [line for line in lines_of(text) if "id" not in line and not line.startswith((" ", "\t"))]
    assert [line for line in lines_of(changed) if line in kept] == kept
