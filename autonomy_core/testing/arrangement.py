"""The arrangements of the contract tests: two organisations, a sale, a copy of the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, ClassVar
from uuid import UUID

import pytest
from sqlalchemy import Engine, NullPool, create_engine

from autonomy_core.catalog.models import Product
from autonomy_core.cli.registrations import Registrations, addresses
from autonomy_core.db.base import uuid7
from autonomy_core.db.components import Migrations
from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.db.migrations import migrate
from autonomy_core.kernel.manager import Plugins
from autonomy_core.pages.operations import PageView
from autonomy_core.payments.models import Payment
from autonomy_core.plugin_api.resources import Resource
from autonomy_core.runtime import APPLICATION_ROLE, components
from autonomy_core.testing import stand_ins
from autonomy_core.testing.application import Autonomy
from autonomy_core.web.operations import Operation

WITH, WITHOUT = "with-it", "without-it"
"""Two organisations: one that has enabled the plugin, and one that has not."""


class Arrangement:
    """The parts of a plugin's contract that its author sets and overrides.

    Attributes:
        plugin: the plugin's name.
        settings: its section as text, with every required key.
    """

    plugin: ClassVar[str]
    settings: ClassVar[Mapping[str, str]] = {}

    def prepare(self, autonomy: Autonomy, organisation_id: str) -> None:
        """Override this to create what the settings refer to, for example a product."""

    def sold_product(self, autonomy: Autonomy, organisation_id: str) -> Product:
        """Override this if the plugin handles certain products only."""
        return autonomy.product(organisation_id)

    @pytest.fixture
    def migrated_copy(self, _application: Autonomy) -> Iterator[Engine]:
        """A copy of the migrated database, as its owner sees it."""
        with _application.database.of_its_own() as owner_url:
            yield create_engine(owner_url, poolclass=NullPool)

    @pytest.fixture
    def migrated_without_it(self, postgresql: EmbeddedServer, autonomy_plugins: Plugins) -> Iterator[Engine]:
        """A database that is migrated without the plugin, as its owner sees it."""
        name = f"contract_{uuid7().hex}"
        migrated = _migrated(postgresql, tuple(self.other_migrations(autonomy_plugins)))
        postgresql.create_database(name, template=migrated)
        yield create_engine(postgresql.url(name), poolclass=NullPool)
        postgresql.drop_database(name)

    def organise(self, autonomy: Autonomy, *, both: bool = False) -> None:
        """Create an organisation with the plugin, and one without it unless ``both``."""
        for organisation_id, enabled in ((WITH, True), (WITHOUT, both)):
            plugins = (stand_ins.NAME, self.plugin) if enabled else (stand_ins.NAME,)
            settings = {self.plugin: self.settings} if enabled and self.settings else {}
            autonomy.organisation(organisation_id, plugins=plugins, settings=settings)
            if enabled:
                self.prepare(autonomy, organisation_id)

    def sell(self, autonomy: Autonomy, organisation_id: str) -> Payment:
        """Return a completed payment."""
        return autonomy.buy(autonomy.customer(organisation_id), self.sold_product(autonomy, organisation_id))

    def callers(self, autonomy: Autonomy, organisation_id: str) -> list[dict[str, str]]:
        """Return the headers of every kind of caller: anonymous, a customer, staff."""
        customer = autonomy.customer(organisation_id, f"{uuid7()}@example.org")
        return [{}, autonomy.as_customer(customer), autonomy.as_staff(organisation_id)]

    def calls(
        self, autonomy: Autonomy, found: Registrations, organisation_id: str, *, unknown_ids: bool = True
    ) -> list[tuple[str, str]]:
        """Return method and path of every call and resource that the plugin has registered.

        Args:
            autonomy: the application.
            found: the plugin's registrations.
            organisation_id: the organisation in the paths.
            unknown_ids: include paths with ids that only the plugin interprets; they are random.
        """
        where = addresses(found.registry)
        declared: tuple[Operation | PageView, ...] = (*found.operations, *found.pages)
        patterns = {call for each in declared for call in _addressed(each, where)}
        if unknown_ids:
            patterns |= {
                ("GET", path) for child in found.children.values() for path in where.get(child.factory, ())
            }
        known = {"organisation": organisation_id, "product_id": autonomy.product(organisation_id).id}
        if not unknown_ids:
            patterns = {(method, path) for method, path in patterns if not _parameters(path) - known.keys()}
        return sorted((method, path.format_map(_Ids(known))) for method, path in patterns)

    def needs(self, autonomy: Autonomy, hook: str) -> None:
        """Skip the test if the plugin does not implement a hook."""
        if self.plugin not in {found.plugin for found in autonomy.runtime.plugins.implementations(hook)}:
            pytest.skip(f"{self.plugin} has no {hook}")

    def registered(self, plugins: Plugins, hook: str) -> Any:
        """Return the plugin's result of a ``register_…`` hook, None without the hook."""
        return dict(plugins.registered(hook)).get(self.plugin)

    def migrations(self, plugins: Plugins) -> Migrations:
        """Return the plugin's migrations, or skip the test without them."""
        found = self.registered(plugins, "register_migrations")
        if found is None:
            pytest.skip(f"{self.plugin} has no migrations")
        return found

    def other_migrations(self, plugins: Plugins) -> list[Migrations]:
        """Return the migrations of the core and of the other plugins."""
        return [component for component in components(plugins) if component.component != self.plugin]


@cache
def _migrated(server: EmbeddedServer, components: tuple[Migrations, ...]) -> str:
    """Create a database that the components have migrated, once for all tests; return its name."""
    name = f"migrated_{uuid7().hex}"
    server.create_database(name)
    migrate(server.url(name), components, application_role=APPLICATION_ROLE)
    return name


class _Ids(dict[str, Any]):
    """Known ids; a random id for any other parameter."""

    def __missing__(self, parameter: str) -> UUID:
        return uuid7()


def _addressed(
    operation: Operation | PageView, where: Mapping[type[Resource], list[str]]
) -> list[tuple[str, str]]:
    paths = [
        path for context, paths in where.items() if issubclass(context, operation.context) for path in paths
    ]
    assert paths, (
        f"{operation.context.__name__} is nowhere in the tree: use add_child, or a Collection's item"
    )
    return [(operation.method, f"{path}/{operation.name}".rstrip("/")) for path in paths]


def _parameters(path: str) -> set[str]:
    return {segment.strip("{}") for segment in path.split("/") if segment.startswith("{")}
