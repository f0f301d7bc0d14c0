import pytest

from autonomy_core.kernel.manager import Plugins
from autonomy_core.testing import stand_ins
from tests.functional.pages.trial import host, plugin

PLUGINS = Plugins({"trial": plugin, "host": host, stand_ins.NAME: stand_ins})


@pytest.fixture(scope="module")
def autonomy_plugins():
    return PLUGINS


@pytest.fixture
def acme(autonomy):
    """The application, with one organisation that has enabled the trial plugins."""
    autonomy.organisation(plugins=("trial", "host", stand_ins.NAME), hosts=("acme.example",))
    return autonomy


@pytest.fixture
def browser(acme):
    """Requests pages of the organisation as a browser does, and keeps its cookies."""
    return acme.app.browser("https://acme.example")
