from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_auth.challenges.domain import (
    CODE_ALPHABET,
    CODE_LENGTH,
    LIFETIMES,
    Purpose,
    code_hash,
    is_ended_by,
    shown_code,
    typed_code,
)
from customer_auth.domain import token_hash

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BEFORE, AFTER = NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)
codes = st.text(CODE_ALPHABET, min_size=CODE_LENGTH, max_size=CODE_LENGTH)
EVERYTHING_BUT_WAYS_BACK = set(Purpose) - {Purpose.UNDO}


@dataclass
class Challenge:
    purpose: Purpose
    email: str = "ada@example.org"
    customer_id: UUID | None = None
    browser_hash: str | None = None
    created_at: datetime = NOW
    id: UUID | None = None


def ended_by(used, **of_others):
    """The purposes of the challenges of the same mailbox that the use ends."""
    return {other for other in Purpose if is_ended_by(Challenge(other, **of_others), used)}


@given(codes)
def test_a_code_that_a_mail_shows_is_read_as_it_was_made(letters):
    assert typed_code(shown_code(letters)) == letters


@given(codes, st.sampled_from(["", " ", "-", " - ", "\u2013", "\u2011", "."]))
def test_a_code_may_be_typed_in_lower_case_and_other_groups(letters, between):
    typed = between.join((letters[:2], letters[2:5], letters[5:])).lower()
    assert typed_code(f" {typed} ") == letters


def test_a_code_is_shown_in_two_groups():
    assert shown_code("WDJBMJHT") == "WDJB-MJHT"


@pytest.mark.parametrize("text", ["", "WDJB", "WDJB-MJHTT", "WDJB-MJHA", "WDJB-MJH1", "wdjb\u0301-mjht"])
def test_what_is_no_code_is_not_looked_up(text):
    assert typed_code(text) is None


def test_a_code_has_no_vowel_and_more_than_thirty_bits():
    assert not set("AEIOUY") & set(CODE_ALPHABET)
    assert len(set(CODE_ALPHABET)) ** CODE_LENGTH > 2**34


def test_the_stored_form_of_a_code_depends_on_the_organisations_key():
    assert code_hash("WDJBMJHT", b"k" * 32) != code_hash("WDJBMJHT", b"l" * 32)
    assert "WDJB" not in code_hash("WDJBMJHT", b"k" * 32)


def test_the_stored_form_of_a_token_does_not_contain_it():
    assert "secret" not in token_hash("secret")


def test_every_purpose_has_a_lifetime():
    assert set(LIFETIMES) == set(Purpose)
    assert LIFETIMES[Purpose.VERIFY] == timedelta(hours=24)
    assert LIFETIMES[Purpose.RESET] == timedelta(hours=1)
    assert LIFETIMES[Purpose.UNDO] == timedelta(days=7)


def test_another_address_ends_all_but_the_ways_back():
    assert ended_by(Challenge(Purpose.CHANGE)) == EVERYTHING_BUT_WAYS_BACK


def test_a_new_password_spares_the_links_of_receipts_too():
    assert ended_by(Challenge(Purpose.RESET)) == EVERYTHING_BUT_WAYS_BACK - {Purpose.LIBRARY}


def test_a_way_back_ends_everything_and_the_ways_back_after_it():
    used = Challenge(Purpose.UNDO)
    assert ended_by(used, created_at=BEFORE) == EVERYTHING_BUT_WAYS_BACK
    assert ended_by(used, created_at=AFTER) == set(Purpose)


def test_an_opened_library_ends_nothing_else():
    assert ended_by(Challenge(Purpose.LIBRARY)) == set()


def test_a_sign_in_ends_the_other_mails_of_the_same_browser_only():
    used = Challenge(Purpose.SIGN_IN, browser_hash="this")
    assert ended_by(used, browser_hash="this") == {Purpose.SIGN_IN}
    assert ended_by(used, browser_hash="another") == set()


def test_a_verification_ends_those_of_the_same_address_only():
    used = Challenge(Purpose.VERIFY, customer_id=uuid4())
    assert ended_by(used) == {Purpose.VERIFY}
    assert ended_by(used, email="other@example.org") == set()
