"""Rules for the texts of a release."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy_core.catalog.domain import (
    LONGEST_SLUG,
    candidates,
    is_article_number,
    is_slug,
    moment_of_release,
    slug_of,
    tag_of,
)


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("First Light", "first-light"),
        ("  Ærøskøbing — Straße!", "aeroskobing-strasse"),
        ("Don't / Won\u2019t", "dont-wont"),
        ("ﬁre", "fire"),
        ("音楽", "release"),
        ("!!!", "release"),
        ("0190a6b0-0000-7000-8000-000000000000", "release"),
    ],
)
def test_a_slug_is_made_from_the_title(title, slug):
    assert slug_of(title) == slug


@given(st.text(max_size=300))
def test_every_candidate_is_a_slug(title):
    offered = list(candidates(slug_of(title), "0123456789"))

    assert all(is_slug(slug) and len(slug) <= LONGEST_SLUG for slug in offered)
    assert len(set(offered)) == len(offered)


@pytest.mark.parametrize("number", ["96385074", "036000291452", "4006381333931", "00012345600012"])
def test_a_right_check_digit_is_accepted_and_any_other_refused(number):
    assert is_article_number(number)
    wrong = (number[:-1] + str(digit) for digit in range(10) if str(digit) != number[-1])
    assert not any(map(is_article_number, wrong))


@given(st.text(max_size=60))
def test_a_tag_stays_the_same_when_it_is_written_again(text):
    assert tag_of(tag_of(text)) == tag_of(text)


def test_a_release_begins_at_midnight_of_its_place():
    assert moment_of_release(date(2027, 7, 1), ZoneInfo("Europe/Vienna")) == datetime(
        2027, 6, 30, 22, tzinfo=UTC
    )
    assert moment_of_release(None, ZoneInfo("UTC")) is None
