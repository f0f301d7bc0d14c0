"""Names of files that each system accepts, and the text beside them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_mp3.archives.credit_notes import Release, credits_text, length
from media_mp3.archives.names import LONGEST, NumberedTrack, safe, track_labels, unique


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Night Ferry", "Night Ferry"),
        ('AC/DC: what? <live> \\ *"1|2"', "AC_DC_ what_ _live_ _ __1_2_"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("  spaces\tand\n lines ", "spaces and lines"),
        ("dots...", "dots"),
        (".hidden", "hidden"),
        ("con", "_con"),
        ("Aux.tape", "_Aux.tape"),
        ("NUL .x", "_NUL .x"),
        ("COM¹", "_COM¹"),
        ("Console", "Console"),
        ("cod\u202egpj.exe", "codgpj.exe"),
        ("a\u0308 \ufeffb\0c", "ä bc"),
        ("...", "track"),
        ("", "track"),
    ],
)  # fmt: skip
def test_a_name_is_safe_on_each_system(text, name):
    assert safe(text, "track") == name


@given(text=st.text())
def test_any_text_gives_a_short_name_without_a_meaning(text):
    name = safe(text, "track")
    assert name
    assert len(name.encode()) <= LONGEST + 1
    assert not set(name) & set('/\\:*?"<>|\0\n')
    assert name == name.strip(" .")
    assert safe(name, "track") == name


def track(title, disc=1, artist=None, *, is_listed=True):
    return NumberedTrack(title, artist, disc, is_listed)


def test_tracks_are_numbered_on_each_disc():
    assert track_labels([track("One"), track("Two", artist="Ada")]) == ["01 One", "02 Ada - Two"]
    assert track_labels([track("One"), track("Two"), track("Three", 2)]) == [
        "1-01 One",
        "1-02 Two",
        "2-01 Three",
    ]
    assert track_labels([track("One"), track("Gone", is_listed=False)]) == ["01 One", "Gone"]
    assert track_labels([track(str(n)) for n in range(100)])[0] == "001 0"
    assert track_labels([track("Gone", is_listed=False)]) == ["Gone"]


def test_names_that_a_system_confuses_get_a_number():
    names = [("Straße", ".mp3"), ("STRASSE", ".mp3"), ("\uff21", ".mp3"), ("a", ".mp3"), ("a", ".flac")]
    assert unique(names) == ["Straße.mp3", "STRASSE (2).mp3", "\uff21.mp3", "a (2).mp3", "a.flac"]
    assert unique([("a", ""), ("a (2)", ""), ("a", "")]) == ["a", "a (2)", "a (3)"]


@given(names=st.lists(st.tuples(st.sampled_from(["a", "A", "a (2)", "a (2) (2)"]), st.just(".mp3"))))
def test_no_name_is_there_twice(names):
    found = [name.casefold() for name in unique(names)]
    assert len(set(found)) == len(names)


def test_the_credits_say_what_is_known():
    release = Release(
        "First Light", "The Quiet Tide", None, date(2026, 3, 1), None, "https://acme.example/",
        [{"role": "Mixing", "name": "Ada"}], [("01 Night Ferry", 187_499)],
    )  # fmt: skip
    assert credits_text(release).splitlines() == [
        "First Light", "", "Artist: The Quiet Tide", "Released: 2026-03-01", "From: https://acme.example/",
        "",
        "Tracks", "", "01 Night Ferry (3:07)", "", "Credits", "", "Mixing: Ada",
    ]  # fmt: skip
    assert length(3_600_000 + 61_000) == "1:01:01"
