"""The pytest plugin: fixtures for whoever tests a plugin, this project included.

================  ====================================================================================
``postgresql``    the embedded server, started once a session in a directory of its own
``autonomy``      the application with every installed plugin; what the test did is rolled back
``committed``     the same application on a database of the test's own, for tests about concurrency
================  ====================================================================================

Override ``autonomy_plugins`` to choose the plugins, ``autonomy_settings`` for the server's settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    # Imported late: pytest loads this module even where nobody tests a plugin.
    from autonomy_core.db.embedded import EmbeddedServer
    from autonomy_core.plugin_api.manager import Plugins
    from autonomy_core.testing.application import Autonomy

TEMPLATE = "autonomy_template"


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A PostgreSQL server of this test session's own."""
    from autonomy_core.db.embedded import EmbeddedServer

    server = EmbeddedServer(data_dir=tmp_path_factory.mktemp("postgresql"), fast=True)
    server.ensure_running()
    yield server
    server.stop()
    server.remove()


@pytest.fixture(scope="session")
def autonomy_plugins() -> Plugins:
    """Every installed plugin, and the stand-ins."""
    from autonomy_core.plugin_api.manager import Plugins
    from autonomy_core.testing import stand_ins

    installed = Plugins.from_entry_points()
    return Plugins({**installed.modules, stand_ins.NAME: stand_ins})


@pytest.fixture(scope="session")
def autonomy_settings() -> dict[str, str]:
    """Keys for ``[app:main]``."""
    return {}


@pytest.fixture(scope="session")
def migrated_template(postgresql: EmbeddedServer, autonomy_plugins: Plugins) -> str:
    """The name of a database that is migrated once, and copied where a test needs its own."""
    import autonomy_core.db.models
    from autonomy_core.db.migrations import migrate
    from autonomy_core.runtime import APPLICATION_ROLE, components

    postgresql.create_database(TEMPLATE)
    migrate(postgresql.url(TEMPLATE), components(autonomy_plugins), application_role=APPLICATION_ROLE)
    return TEMPLATE


@pytest.fixture(scope="session")
def _application(
    postgresql: EmbeddedServer,
    migrated_template: str,
    autonomy_plugins: Plugins,
    autonomy_settings: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Autonomy]:
    from autonomy_core.testing.application import make_autonomy
    from autonomy_core.testing.database import SwitchedDatabase

    database = SwitchedDatabase(postgresql, migrated_template)
    made = make_autonomy(autonomy_plugins, database, tmp_path_factory.mktemp("autonomy"), **autonomy_settings)
    yield made
    made.runtime.close()


@pytest.fixture
def autonomy(_application: Autonomy) -> Iterator[Autonomy]:
    """The application; organisations, rows and jobs of the test are gone after it."""
    with _application.database.rolled_back():
        yield _application
    _forget_organisations(_application)


@pytest.fixture
def committed(_application: Autonomy) -> Iterator[Autonomy]:
    """The application on a database of the test's own, where what is committed is seen by others."""
    with _application.database.of_its_own(f"test_{uuid4().hex}"):
        yield _application
    _forget_organisations(_application)


def _forget_organisations(application: Autonomy) -> None:
    application.app.reset()
    for path in application.runtime.settings.tenants.glob("*.ini"):
        path.unlink()
    application.runtime.tenants.reload()
