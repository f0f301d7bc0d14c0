"""A shop that sells things, as its staff and its visitors see it."""

import pytest

from autonomy_core.testing.application import chosen_plugins
from tests.functional.catalog.shop import Shop


@pytest.fixture(scope="module")
def autonomy_plugins():
    return chosen_plugins()


@pytest.fixture
def make_shop(autonomy):
    def make(organisation_id="acme", **settings):
        autonomy.organisation(organisation_id, plugins=("stand_ins",), **settings)
        return Shop(autonomy, organisation_id)

    return make


@pytest.fixture
def shop(make_shop):
    return make_shop()
