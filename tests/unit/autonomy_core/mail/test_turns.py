import pytest

from autonomy_core.mail.turns import TooManyTurns, Turns


def test_an_organisation_has_one_turn_at_a_time_and_looks_again():
    turns = Turns(2)
    turn = turns.begin("acme")
    assert turn is not None
    assert turns.begin("acme") is None
    assert not turns.end_unless_wanted(turn)
    assert turns.end_unless_wanted(turn)
    assert turns.begin("acme") is not None


def test_few_organisations_have_their_turn_at_once():
    turns = Turns(2)
    turn = turns.begin("acme")
    turns.begin("other")
    with pytest.raises(TooManyTurns):
        turns.begin("third")
    turns.end(turn)
    assert turns.begin("third") is not None


def test_ending_a_turn_twice_does_not_end_the_next_one():
    turns = Turns(1)
    first = turns.begin("acme")
    assert turns.end_unless_wanted(first)
    second = turns.begin("acme")
    turns.end(first)
    assert turns.begin("acme") is None
    assert not turns.end_unless_wanted(second)
