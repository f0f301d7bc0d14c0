"""A store that does not answer is asked once in a while, and the other calls fail at once."""

from __future__ import annotations

import pytest

from autonomy_core.files.breaker import Breaker, StoreDoesNotAnswer


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_one_call_in_each_pause_tries_a_store_that_did_not_answer() -> None:
    clock = Clock()
    breaker = Breaker(5, clock)
    breaker.require()
    breaker.failed()
    with pytest.raises(StoreDoesNotAnswer):
        breaker.require()
    clock.now += 5
    breaker.require()
    with pytest.raises(StoreDoesNotAnswer):
        breaker.require()


def test_an_answer_lets_all_calls_through_again() -> None:
    clock = Clock()
    breaker = Breaker(5, clock)
    breaker.failed()
    clock.now += 5
    breaker.require()
    breaker.answered()
    breaker.require()
    breaker.require()
