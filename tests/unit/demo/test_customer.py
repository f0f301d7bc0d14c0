"""Each run's customer is a new one, unless the run before was interrupted."""

from __future__ import annotations

from demo.customer import customer_of_this_run, has_been_served
from demo.places import Places


def test_the_next_customers_turn_comes_when_one_has_been_served(tmp_path):
    places = Places(1, 2, tmp_path / "demo")
    first = customer_of_this_run(places)
    assert customer_of_this_run(places) == first
    has_been_served(places, first)
    second = customer_of_this_run(places)
    assert second.email != first.email
