import pytest

from autonomy_core.kernel.manager import Plugins
from autonomy_core.testing import stand_ins
from tests.functional.core.trial import plugin, views

PLUGINS = Plugins({"trial": plugin, stand_ins.NAME: stand_ins})


@pytest.fixture(scope="module")
def autonomy_plugins():
    return PLUGINS


@pytest.fixture(scope="module")
def autonomy_settings():
    return {"autonomy.default_organisation": "acme"}


@pytest.fixture
def acme(autonomy):
    """The application, with one organisation that has enabled the trial plugin; it is the default one."""
    autonomy.organisation(plugins=("trial", stand_ins.NAME))
    return autonomy


@pytest.fixture
def attempts():
    views.attempts.clear()
    return views.attempts
