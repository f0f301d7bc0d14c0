"""The texts of codes: what is drawn, and what people type."""

from hypothesis import given
from hypothesis import strategies as st

from autonomy_core.codes.domain import ALPHABET, LENGTH, digest_of, new_code, normalised


def test_a_code_has_more_than_sixty_secret_bits_beyond_what_staff_see():
    drawn = {new_code() for _ in range(200)}
    assert len(drawn) == 200
    assert {len(code) for code in drawn} == {19}
    assert set("".join(drawn)) - {"-"} == set(ALPHABET)
    assert (len(ALPHABET), len(set(ALPHABET))) == (32, 32)
    assert (LENGTH - 4) * 5 >= 60
    assert not set("ILOU") & set(ALPHABET)


@given(st.text(ALPHABET, min_size=LENGTH, max_size=LENGTH), st.sampled_from(["", "-", " ", "- "]))
def test_a_code_is_recognised_however_it_is_typed(code, between):
    typed = between.join(code).replace("0", "o").replace("1", "l").lower()
    assert normalised(typed) == code


@given(st.text())
def test_no_other_text_is_a_code(text):
    found = normalised(text)
    assert found is None or (len(found) == LENGTH and set(found) <= set(ALPHABET))


def test_equal_codes_of_two_organisations_differ_in_the_database():
    code = normalised(new_code())
    assert digest_of("acme", code) != digest_of("beacon", code)
    assert code not in digest_of("acme", code)
