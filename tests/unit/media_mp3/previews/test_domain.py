"""Which part of a track visitors hear."""

from __future__ import annotations

from media_mp3.previews.domain import Choice, Excerpt, excerpt_of

LOUD_AT_THE_END = [1.0] * 80 + [9.0] * 20


def test_it_is_the_loudest_part():
    assert excerpt_of(Choice("excerpt", 20_000), 100_000, LOUD_AT_THE_END) == Excerpt(80_000, 20_000)


def test_of_equal_parts_it_is_the_first():
    assert excerpt_of(Choice("excerpt", 20_000), 100_000, [1.0] * 100) == Excerpt(0, 20_000)
    assert excerpt_of(Choice("excerpt", 20_000), 100_000, []) == Excerpt(0, 20_000)


def test_it_begins_where_staff_say_or_as_late_as_possible():
    assert excerpt_of(Choice("excerpt", 20_000, 5), 100_000, LOUD_AT_THE_END).start_ms == 5
    assert excerpt_of(Choice("excerpt", 20_000, 99_999), 100_000, LOUD_AT_THE_END).start_ms == 80_000


def test_it_is_half_of_a_track_at_most():
    found = excerpt_of(Choice("excerpt", 600_000), 9_000, LOUD_AT_THE_END)
    assert found == Excerpt(4_500, 4_500)


def test_previews_of_other_lengths_have_other_names():
    names = {
        Choice(*each).key
        for each in (("full", 1000), ("excerpt", 1000), ("excerpt", 2000), ("excerpt", 1000, 0))
    }
    assert len(names) == 4
