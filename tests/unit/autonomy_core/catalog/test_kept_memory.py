"""The memory of kept answers has a limit, and each organisation a share of it."""

from datetime import timedelta
from uuid import uuid4

import pytest

from autonomy_core.catalog.kept.memory import (
    OF_ANSWER,
    OF_ORGANISATION,
    SHARE,
    KeptAnswer,
    KeptAnswers,
    State,
)
from autonomy_core.db.base import utcnow

NOW = utcnow()
MOST = SHARE * SHARE * 16_384


def state_of(organisation_id="acme", version=None, digest=b"1"):
    return State(organisation_id, digest, ("acme.example",), version)


def answer(body=b"{}", lasts=60):
    return KeptAnswer(body, '"tag"', "Products", NOW + timedelta(seconds=lasts))


@pytest.fixture
def answers():
    return KeptAnswers(MOST)


def test_an_answer_is_found_in_its_state_at_its_url_in_time(answers):
    state, kept = state_of(version=uuid4()), answer()
    answers.put(state, ("/a",), kept)
    assert answers.get(state, ("/a",), NOW) is kept
    assert answers.get(state, ("/b",), NOW) is None
    assert answers.get(state, ("/a",), kept.until) is None
    for other in (state_of("other", state.version), state_of(version=uuid4()), state_of(version=None)):
        assert answers.get(other, ("/a",), NOW) is None
    assert answers.get(state_of(version=state.version, digest=b"2"), ("/a",), NOW) is None


def test_an_answer_that_is_too_old_is_replaced(answers):
    state, kept = state_of(), answer(lasts=120)
    answers.put(state, ("/a",), answer(lasts=0))
    answers.put(state, ("/a",), kept)
    assert answers.get(state, ("/a",), NOW + timedelta(seconds=90)) is kept
    assert answers.size == OF_ORGANISATION + OF_ANSWER + len(kept.body) + len("/a")


def test_another_state_frees_the_answers_of_the_one_before(answers):
    for number in range(50):
        answers.put(state_of(version=uuid4()), (f"/{number}",), answer())
    assert answers.size < OF_ORGANISATION + 2 * OF_ANSWER


def test_one_organisation_takes_a_share(answers):
    kept = answer(b"x" * 10_000)
    answers.put(state_of("other"), ("/",), kept)
    for number in range(1000):
        answers.put(state_of(), (f"/{number}",), kept)
        answers.get(state_of(), ("/0",), NOW)
    assert answers.size <= 2 * MOST // SHARE
    assert answers.get(state_of("other"), ("/",), NOW) is kept
    # What is asked for often stays.
    assert answers.get(state_of(), ("/0",), NOW) is kept
    assert answers.get(state_of(), ("/1",), NOW) is None


def test_ten_thousand_organisations_stay_within_the_limit(answers):
    for number in range(10_000):
        answers.put(state_of(f"shop{number}"), ("/",), answer(b"x" * 8000))
        answers.get(state_of("shop0"), ("/",), NOW)
        assert answers.size <= MOST
    assert answers.get(state_of("shop9999"), ("/",), NOW)
    assert answers.get(state_of("shop0"), ("/",), NOW)
    assert answers.get(state_of("shop1"), ("/",), NOW) is None


def test_a_huge_answer_is_not_kept(answers):
    answers.put(state_of(), ("/",), answer(b"x" * (MOST // SHARE // SHARE)))
    assert answers.get(state_of(), ("/",), NOW) is None
    assert answers.is_left_out(state_of(), ("/",))
    assert answers.size == OF_ORGANISATION + OF_ANSWER + len("/")


def test_what_is_left_out_counts_until_the_state_changes(answers):
    state, kept = state_of(version=uuid4()), answer()
    answers.leave_out(state, ("/a",))
    assert answers.get(state, ("/a",), NOW) is None
    assert answers.is_left_out(state, ("/a",))
    assert not answers.is_left_out(state, ("/b",))
    assert not answers.is_left_out(state_of(version=uuid4()), ("/a",))
    answers.put(state, ("/a",), kept)
    assert answers.get(state, ("/a",), NOW) is kept
    assert not answers.is_left_out(state, ("/a",))
    assert answers.size == OF_ORGANISATION + OF_ANSWER + len(kept.body) + len("/a")


def test_invented_urls_that_are_left_out_stay_within_the_share(answers):
    for number in range(2000):
        answers.leave_out(state_of(), (f"/{number}",))
    assert answers.size <= MOST // SHARE
    answers.leave_out(state_of(), ("x" * MOST,))
    assert answers.is_left_out(state_of(), ("/1999",))
