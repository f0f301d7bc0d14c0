import pytest

from autonomy_core.testing.application import chosen_plugins


@pytest.fixture(scope="module")
def autonomy_plugins():
    return chosen_plugins("bonus_track")
