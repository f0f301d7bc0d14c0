"""The characters that a readable text may contain."""

import time

import pytest

from autonomy_core.texts import UnreadableText, cleaned, readable

SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Ada ", "Ada"),
        ("Ade\u0301", "Adé"),
        ("\u00a0\u3000Ada\t\n", "Ada"),
        ("\u212bngstr\u00f6m", "\u00c5ngstr\u00f6m"),
    ],
)
def test_a_text_is_normalised(typed, kept):
    assert readable(typed, 200) == kept
    assert readable(kept, 200) == kept


@pytest.mark.parametrize(
    "text",
    [
        "naïve ♫",
        "Sigur Rós: ( )",
        "( )",
        "נועה\u200f!",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "क्\u200dष",
        "👩\u200d🚀",
        "❤\ufe0f",
        SCOTLAND,
        "\U0001fae8",
        "\ud55c\uad6d",
        "ﷺ",
        "…",
    ],
)
def test_ordinary_text_is_kept(text):
    assert readable(text, 200) == text


NOTHING_TO_SEE = {
    "empty": "",
    "blanks": " \u00a0\u3000\n",
    "zero-width space": "\u200b",
    "zero-width joiners": "\u200c\u200d\u2060",
    "Hangul fillers": "\u3164\uffa0\u115f\u1160",
    "variation selectors": "\ufe0f\ufe00\U000e0101",
    "Mongolian variation selector": "\u180b",
    "soft hyphen": "\u00ad",
    "combining mark alone": "\u0301",
    "grapheme joiner": "\u034f",
    "blank Braille": "\u2800",
    "blank note": "\U0001d159",
    "ignored by default": "\U000e0fff",
}


@pytest.mark.parametrize("text", NOTHING_TO_SEE.values(), ids=NOTHING_TO_SEE.keys())
def test_invisible_text_is_refused(text):
    with pytest.raises(UnreadableText, match="nothing to be read"):
        readable(text, 200)


FORBIDDEN = {
    "NUL": "\x00",
    "escape": "\x1b",
    "C1 control": "\x9b",
    "new line": "\n",
    "carriage return": "\r",
    "tab": "\t",
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    "right-to-left override": "\u202e",
    "right-to-left embedding": "\u202b",
    "left-to-right isolate": "\u2066",
    "pop isolate": "\u2069",
    "byte order mark": "\ufeff",
    "annotation": "\ufff9",
    "noncharacter": "\ufdd0",
    "last of the plane": "\uffff",
    "last of another plane": "\U0010fffe",
    "half of a surrogate": "\ud800",
    "tag": "\U000e0041",
    "language tag": "\U000e0001",
}


@pytest.mark.parametrize("character", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_control_and_bidi_characters_are_refused_by_code_point(character):
    with pytest.raises(UnreadableText, match=f"U\\+{ord(character):04X} "):
        readable(f"a{character}b", 200)


def test_tag_characters_are_allowed_in_flags_only():
    with pytest.raises(UnreadableText, match=r"U\+E0067"):
        readable(f"{SCOTLAND[1:]}x", 200)
    with pytest.raises(UnreadableText, match=r"U\+E0067"):
        readable(SCOTLAND[:-1], 200)


def test_line_ends_are_normalised_where_lines_are_allowed():
    assert readable("one\r\ntwo\rthree\n\nfour\n", 200, lines=True) == "one\ntwo\nthree\n\nfour"
    with pytest.raises(UnreadableText, match=r"U\+0009"):
        readable("one\n\ttwo", 200, lines=True)


def test_a_text_may_be_blank_where_allowed():
    assert readable("  ", 200, blank=True) == ""
    with pytest.raises(UnreadableText, match="nothing to be read"):
        readable("\u200b", 200, blank=True)


def test_the_length_of_the_normalised_form_counts():
    assert readable(" " + "e\u0301" * 200 + " ", 200) == "é" * 200
    with pytest.raises(UnreadableText, match="maximum length 200"):
        readable("é" * 201, 200)


def test_too_many_combining_marks_are_refused_before_normalising():
    began = time.process_time()
    with pytest.raises(UnreadableText, match="maximum length"):
        readable("a" + "\u0327\u0300" * 1_000_000, 200)
    # Normalising it would take a quarter of an hour.
    assert time.process_time() - began < 10


def test_cleaning_keeps_the_visible_characters():
    assert cleaned("\ufeff A\u202eb\x00c\n", 200) == "Abc"
    assert cleaned(f"{SCOTLAND} \U000e0041", 200) == SCOTLAND
    assert cleaned("👩\u200d🚀", 200) == "👩\u200d🚀"
    assert cleaned("é" * 300, 200) == "é" * 200
    # Composed once the characters between them are removed.
    assert cleaned("e\u202e\u0301", 200) == "é"


@pytest.mark.parametrize("text", [*NOTHING_TO_SEE.values(), *FORBIDDEN.values()])
def test_cleaning_invisible_text_gives_none(text):
    assert cleaned(text, 200) is None
