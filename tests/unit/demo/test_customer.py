"""Each run registers a new customer, unless the previous run was interrupted."""

from __future__ import annotations

from demo.customer import customer_of_this_run, finish_customer
from demo.places import Places


def test_a_complete_run_makes_the_next_customer_a_new_one(tmp_path):
    places = Places(1, 2, 3, tmp_path / "demo")
    first = customer_of_this_run(places)
    assert customer_of_this_run(places) == first
    finish_customer(places, first)
    second = customer_of_this_run(places)
    assert second.email != first.email
