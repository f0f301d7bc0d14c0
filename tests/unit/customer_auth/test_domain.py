import unicodedata
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_auth.domain import (
    REUSE_GRACE,
    AccessClaims,
    RefreshVerdict,
    Weakness,
    judge_refresh,
    prepare_password,
    weakness_of,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
EMAIL = "ada@example.org"


@given(st.text())
def test_a_password_composed_or_decomposed_is_prepared_alike(password):
    spellings = {unicodedata.normalize(form, password) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    assert len({prepare_password(spelling) for spelling in spellings}) == 1


def test_every_kind_of_space_in_a_password_is_a_space():
    assert prepare_password("a\u00a0b\u3000c\u1680d e") == "a b c d e"


def test_case_and_outer_spaces_of_a_password_matter():
    assert prepare_password(" Engine ") == " Engine "


def judge(password, *personal):
    return weakness_of(password, common={"letmein", "qwertyuiop"}, personal=personal)


@pytest.mark.parametrize(
    "password",
    ["qwertyuiop", "QwertyUiop", " qwertyuiop ", "\uff51wertyuiop", "qwertyuiop1!", "!!letmein2024"],
)
def test_a_decorated_common_password_is_weak(password):
    assert judge(password) == Weakness.COMMON


@pytest.mark.parametrize(
    "password", [" " * 8, "\u3000" * 8, "aaaaaaaa", "Abababab", "abcabcab", "a       ", "a" * 256]
)
def test_a_piece_that_is_repeated_is_weak(password):
    assert judge(password) == Weakness.REPEATED


@pytest.mark.parametrize(
    "password",
    [
        EMAIL,
        "ADA@Example.org",
        f" {EMAIL} ",
        "ada.example.org",
        "Harbour Records",
        "harbourrecords",
        "records2026!",
        "harbour-street",
        "HARBOUR_street 99",
        "streetharbour",
        "harbour.records.ada",
    ],
)
def test_names_and_addresses_and_words_of_them_are_weak(password):
    assert judge(password, EMAIL, "Harbour Records", "Harbour Street Records") == Weakness.PERSONAL


@pytest.mark.parametrize(
    "password",
    [
        f"{EMAIL} engine",
        "ada-engine",
        "exampleadax",
        "a long engine",
        "letmein qwertyuiop",
        "abcdabcd",
        "letmein202456",
        "--------1",
    ],
)
def test_a_password_that_only_contains_a_weak_part_is_not_weak(password):
    assert judge(password, EMAIL, "", " ", "-") is None


@given(st.text(), st.text())
def test_every_password_can_be_judged(password, name):
    assert weakness_of(password, common=(), personal=[name]) in {None, *Weakness}


def test_claims_are_written_to_the_second():
    claims = AccessClaims(
        organisation_id="acme",
        customer_id=UUID(int=7),
        session_id=UUID(int=8),
        issued_at=NOW,
        expires_at=NOW + timedelta(minutes=15),
        authenticated_at=NOW - timedelta(hours=1),
        methods=frozenset({"pwd", "otp"}),
    ).to_json()
    assert claims == {
        "iss": "acme",
        "sid": str(UUID(int=8)),
        "sub": "00000000-0000-0000-0000-000000000007",
        "aud": "autonomy-api",
        "iat": 1767225600,
        "exp": 1767226500,
        "auth_time": 1767222000,
        "amr": ["otp", "pwd"],
    }


@pytest.mark.parametrize(
    ("used_at", "expires_at", "revoked_at", "verdict"),
    [
        (None, LATER, None, RefreshVerdict.ROTATE),
        (NOW, LATER, None, RefreshVerdict.WAIT),
        (NOW - REUSE_GRACE + timedelta(seconds=1), LATER, None, RefreshVerdict.WAIT),
        (NOW - REUSE_GRACE, LATER, None, RefreshVerdict.REVOKE),
        (None, NOW, None, RefreshVerdict.REFUSE),
        (NOW, NOW, None, RefreshVerdict.REFUSE),
        (None, LATER, NOW, RefreshVerdict.REFUSE),
        (NOW - REUSE_GRACE, LATER, NOW, RefreshVerdict.REFUSE),
    ],
)
def test_a_refresh_token_is_judged_by_what_happened_to_it(used_at, expires_at, revoked_at, verdict):
    assert judge_refresh(NOW, used_at=used_at, expires_at=expires_at, revoked_at=revoked_at) is verdict
