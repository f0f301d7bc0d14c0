"""The pytest plugin: fixtures for tests of plugins, also used by this project.

================  ====================================================================================
``postgresql``    the embedded server, started once per session in its own directory
``autonomy``      the application with every installed plugin; the test's changes are rolled back
``committed``     the same application on a separate database, for tests of concurrency
================  ====================================================================================

Override ``autonomy_plugins`` to choose the plugins, and ``autonomy_settings`` for the server's settings, both
with ``scope="module"``. In a plugin's ``conftest.py``::

    @pytest.fixture(scope="module")
    def autonomy_plugins():
        return chosen_plugins("bonus_track")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

# Rewrite assertions, so that a failing contract shows the compared values.
pytest.register_assert_rewrite("autonomy_core.testing.contract", "autonomy_core.testing.provider_contract")

if TYPE_CHECKING:
    # Imported late, because pytest loads this module even if no plugin is tested.
    from autonomy_core.db.embedded import EmbeddedServer
    from autonomy_core.kernel.manager import Plugins
    from autonomy_core.testing.application import Autonomy


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A PostgreSQL server for this test session."""
    from autonomy_core.db.embedded import EmbeddedServer  # noqa: PLC0415 - see above
    from autonomy_core.testing.removal import removed_afterwards  # noqa: PLC0415 - see above

    server = EmbeddedServer(data_dir=tmp_path_factory.mktemp("postgresql"), fast=True)
    with removed_afterwards(server):
        server.ensure_running()
        yield server


@pytest.fixture(scope="module")
def autonomy_plugins() -> Plugins:
    """Every installed plugin, and the stand-ins."""
    from autonomy_core.testing.application import chosen_plugins  # noqa: PLC0415 - see above

    return chosen_plugins()


@pytest.fixture(scope="module")
def autonomy_settings() -> dict[str, str]:
    """Keys for ``[app:main]``."""
    return {}


@pytest.fixture(scope="session")
def _applications(
    postgresql: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Plugins, dict[str, str]], Autonomy]]:
    """Yield a function that builds an application, once per choice of plugins and settings.

    Applications with the same tables share a database, and with it connections and compiled statements.
    """
    from autonomy_core.runtime import components  # noqa: PLC0415 - see above
    from autonomy_core.testing.application import make_autonomy  # noqa: PLC0415 - see above
    from autonomy_core.testing.database import SwitchedDatabase, make_migrated  # noqa: PLC0415 - see above

    made: dict[Any, Autonomy] = {}
    databases: dict[Any, SwitchedDatabase] = {}

    def database_of(plugins: Plugins) -> SwitchedDatabase:
        key = tuple(components(plugins))
        if key not in databases:
            # The migration changes rights of the database itself, which copies do not have.
            shared = make_migrated(postgresql, plugins, f"shared_{len(databases)}")
            template = f"template_{len(databases)}"
            postgresql.create_database(template, template=shared)
            databases[key] = SwitchedDatabase(postgresql, template, shared)
        return databases[key]

    def application(plugins: Plugins, settings: dict[str, str]) -> Autonomy:
        key = (*plugins.modules.values(), *sorted(settings.items()))
        if key not in made:
            directory = tmp_path_factory.mktemp("autonomy")
            made[key] = make_autonomy(plugins, database_of(plugins), directory, **settings)
        return made[key]

    yield application
    for one in made.values():
        one.runtime.close()


@pytest.fixture(scope="module")
def _application(
    _applications: Callable[[Plugins, dict[str, str]], Autonomy],
    autonomy_plugins: Plugins,
    autonomy_settings: dict[str, str],
) -> Autonomy:
    return _applications(autonomy_plugins, autonomy_settings)


@pytest.fixture
def autonomy(_application: Autonomy) -> Iterator[Autonomy]:
    """The application. The test's organisations, rows and jobs are removed afterwards."""
    with _application.database.rolled_back():
        yield _application
    _forget_organisations(_application)


@pytest.fixture
def committed(_application: Autonomy) -> Iterator[Autonomy]:
    """The application on a separate database, where other connections see committed data."""
    with _application.database.of_its_own():
        yield _application
    _forget_organisations(_application)


def _forget_organisations(application: Autonomy) -> None:
    from autonomy_core.tenancy.record import RECORD  # noqa: PLC0415 - see above

    application.app.reset()
    for path in application.runtime.settings.tenants.glob("*.ini"):
        path.unlink()
    for path in (application.runtime.settings.data / "mail").glob("*.eml"):
        path.unlink()
    record = application.runtime.settings.data / RECORD
    if record.exists():
        application.runtime.tenants.reload(accept_losses=True)
        record.unlink()
    else:
        # Few tests record their organisations. `reload` would record the loss, and wait for the disk.
        application.runtime.tenants._look(immediately=True, accept_losses=True)  # noqa: SLF001
