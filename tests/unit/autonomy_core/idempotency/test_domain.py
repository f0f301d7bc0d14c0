from datetime import timedelta

import pytest

from autonomy_core.idempotency.domain import (
    BLOCK_BYTES,
    WELL_FORMED,
    Claim,
    StoredAnswer,
    most_of_a_repetition,
    retry_after,
)


@pytest.mark.parametrize("key", ["1", "8e03978e-40d5-43dd-bc93-6894a57f9324", '"quoted"', "x" * 255, "!~"])
def test_visible_ascii_is_a_key(key):
    assert WELL_FORMED.fullmatch(key)


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "ü", "a\tb", "a\n", "\x7f"])
def test_other_characters_are_no_key(key):
    assert not WELL_FORMED.fullmatch(key)


def test_claims_that_differ_in_anything_are_hashed_differently():
    parts = [("nobody", "customer:1"), ("POST", "PATCH"), ("a/b", "a/c"), ("k", "l")]
    claims = {bytes(Claim(parts[0][i], parts[1][j], parts[2][k], parts[3][m])) for i, j, k, m in SIXTEEN}
    assert len(claims) == 16


SIXTEEN = [(number & 1, number >> 1 & 1, number >> 2 & 1, number >> 3) for number in range(16)]


def test_parts_of_a_claim_are_separated_in_its_hash():
    assert bytes(Claim("nobody", "POST", "a", "/b")) != bytes(Claim("nobody", "POST", "a/", "b"))
    assert bytes(Claim('a", "b', "POST", "", "k")) != bytes(Claim("a", 'b", "POST', "", "k"))


def test_a_claims_repr_has_neither_key_nor_body():
    assert "secret" not in repr(Claim("nobody", "POST", "login", "secret"))
    assert "secret" not in repr(StoredAnswer(200, (), b"secret"))


@pytest.mark.parametrize("body", [b"", b"{}", b"\n\x00\xff\n"])
def test_an_answer_survives_storing_and_loading(body):
    answer = StoredAnswer(201, (("Content-Type", "application/json"), ("Location", "/a\\b")), body)
    assert StoredAnswer.from_bytes(bytes(answer)) == answer


@pytest.mark.parametrize(
    ("so_far", "left", "seconds"), [(0, 120, 1), (0.2, 119, 1), (7.5, 112, 8), (100, 20, 20), (120, -1, 1)]
)
def test_retry_after_doubles_up_to_the_end_of_the_lease(so_far, left, seconds):
    assert retry_after(timedelta(seconds=so_far), timedelta(seconds=left)) == seconds


def test_the_stored_length_does_not_reveal_a_passwords_length():
    assert {most_of_a_repetition(size) for size in range(1000)} == {2 * BLOCK_BYTES}
    assert most_of_a_repetition(10 * BLOCK_BYTES) > 11 * BLOCK_BYTES
