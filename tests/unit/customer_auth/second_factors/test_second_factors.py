"""One-time codes and recovery codes."""

from base64 import b32decode
from datetime import UTC, datetime, timedelta

import pytest

from customer_auth.second_factors.domain import (
    RECOVERY_ALPHABET,
    RECOVERY_LENGTH,
    new_recovery_code,
    otpauth_uri,
    recovery_hash,
    shown_secret,
    step_of,
    typed_time_code,
)

SECRET = b"12345678901234567890"
"""The secret of the examples in RFC 6238, appendix B."""


FULL_WIDTH = "\uff12\uff18\uff17\uff10\uff18\uff12"


def at(seconds):
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_standards_examples(seconds, code):
    assert step_of(SECRET, code, at(seconds), last_step=None) == seconds // 30


@pytest.mark.parametrize("minutes", [-0.5, 0, 0.5])
def test_a_clock_may_be_wrong_by_half_a_minute(minutes):
    moment = at(1111111111) + timedelta(minutes=minutes)
    assert step_of(SECRET, "050471", moment, last_step=None) == 37037037


@pytest.mark.parametrize("seconds", [-32, 61, 3600])
def test_an_older_or_later_code_is_wrong(seconds):
    assert step_of(SECRET, "050471", at(1111111111 + seconds), last_step=None) is None


@pytest.mark.parametrize(("last_step", "accepted"), [(None, True), (0, True), (1, False), (2, False)])
def test_a_code_is_accepted_only_after_the_last_accepted_one(last_step, accepted):
    assert (step_of(SECRET, "287082", at(59), last_step=last_step) is not None) is accepted


@pytest.mark.parametrize("typed", ["287082", " 287 082 ", "287-082"])
def test_a_code_may_be_typed_in_groups(typed):
    assert typed_time_code(typed) == "287082"


@pytest.mark.parametrize(
    "typed",
    ["", "28708", "2870820", "28708a", "\uff12\uff18\uff17\uff10\uff18\uff12", "-287082-1", "\u00b287082"],
)
def test_other_texts_are_no_code(typed):
    assert typed_time_code(typed) is None
    assert step_of(SECRET, typed, at(59), last_step=None) is None


def test_the_uri_names_issuer_account_and_secret():
    uri = otpauth_uri(SECRET, account="ada@example.org", issuer="Harbour: Music & Co")
    assert uri.startswith("otpauth://totp/Harbour%20%20Music%20%26%20Co:ada%40example.org?")
    assert f"secret={shown_secret(SECRET)}" in uri
    assert b32decode(shown_secret(SECRET)) == SECRET


def test_recovery_codes_are_random_and_in_groups():
    codes = {new_recovery_code() for _ in range(50)}
    assert len(codes) == 50
    for code in codes:
        assert [len(group) for group in code.split("-")] == [4, 4, 4, 4]
        assert set(code) - {"-"} <= set(RECOVERY_ALPHABET)


@pytest.mark.parametrize(
    "typed", ["0123-4567-89ab-cdef", "0123456789ABCDEF", " o123 4567 89ab cdef", "0i23_4567.89ab-cdef"]
)
def test_a_recovery_code_may_be_typed_in_any_spelling(typed):
    assert recovery_hash(typed) == recovery_hash("0123456789abcdef")


@pytest.mark.parametrize("typed", ["", "0123", "0" * (RECOVERY_LENGTH + 1), "u" * RECOVERY_LENGTH, "287082"])
def test_other_texts_are_no_recovery_code(typed):
    assert recovery_hash(typed) is None
