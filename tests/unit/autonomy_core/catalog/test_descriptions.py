"""The description of a product, without its Markdown."""

from __future__ import annotations

import pytest

from autonomy_core.catalog.descriptions import plain_text


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("", ""),
        ("Recorded *live*\nin **one** [room](https://a.example).", "Recorded live in one room."),
        ("# Tide\n\nFirst\\\nSecond\n\n---\n\n- `one`\n- two", "Tide\nFirst\nSecond\none\ntwo"),
        ("```\na < b\n```", "a < b"),
        ("<b>5 &amp; 6</b>", "<b>5 & 6</b>"),
    ],
)
def test_people_read_the_words_and_no_markup(markdown, text):
    assert plain_text(markdown) == text
