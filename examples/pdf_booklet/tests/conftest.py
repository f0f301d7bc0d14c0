import pytest

from autonomy_core.testing.application import Plugins, chosen_plugins


@pytest.fixture(scope="module")
def autonomy_plugins() -> Plugins:
    return chosen_plugins("pdf_booklet")
