"""Which addresses are removed from stored events: whole ones only."""

import pytest

from autonomy_core.webhooks.domain import redacted


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("alan@gmail.com", "n@gmail.co"),
        ("alan@gmail.com", "n@gmail.com"),
        ("alan@gmail.com", "alan@gmail.co"),
        ("alan@gmail.co.uk", "alan@gmail.co"),
        ("alan+n@gmail.com", "n@gmail.com"),
        ("alan.n@gmail.com", "n@gmail.com"),
        ("alan-n@gmail.com", "n@gmail.com"),
        ("o'neil@gmail.com", "neil@gmail.com"),
        ("ada@mail-er.example", "ada@mail"),
    ],
)
def test_a_part_of_another_address_stays(text, address):
    assert redacted({"email": text}, [], [address]) == {"email": text}


@pytest.mark.parametrize(
    "text",
    ["{}", "<{}>", "'{}'", '"{}"', "to {}.", "to {}, later", "mailto:{}?subject=a", "/c?email={}&a=b"],
)
def test_a_whole_address_is_erased(text):
    found = redacted([text.format("Ada@Example.org")], [], ["n@gmail.co", "ada@example.org"])
    assert found == [text.format("[erased]")]


def test_an_address_after_an_escaped_line_break_is_erased():
    assert redacted(r"unknown:\nada@example.org", [], ["ada@example.org"]) == r"unknown:\n[erased]"
