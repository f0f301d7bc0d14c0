"""What the contract tests arrange: two organisations, a sale, a copy of the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from uuid import UUID

import pytest
from sqlalchemy import Engine, NullPool, create_engine

from autonomy_core.catalog.models import Product
from autonomy_core.cli.registrations import Registrations, addresses
from autonomy_core.db.base import uuid7
from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.db.migrations import Migrations, migrate
from autonomy_core.kernel.manager import Plugins
from autonomy_core.payments.models import Payment
from autonomy_core.plugin_api.resources import Resource
from autonomy_core.runtime import APPLICATION_ROLE, components
from autonomy_core.testing import stand_ins
from autonomy_core.testing.application import Autonomy
from autonomy_core.web.operations import Operation

WITH, WITHOUT = "with-it", "without-it"
"""Two organisations: one that has enabled the plugin, one that has not."""


class Arrangement:
    """What a plugin's contract may say and override.

    Attributes:
        plugin: the plugin's name.
        settings: what its section says, as text; every required key at least.
    """

    plugin: ClassVar[str]
    settings: ClassVar[Mapping[str, str]] = {}

    def prepare(self, autonomy: Autonomy, organisation_id: str) -> None:
        """Override it to make what the settings refer to, for example a product."""

    def sold_product(self, autonomy: Autonomy, organisation_id: str) -> Product:
        """Override it where the plugin cares only for certain products."""
        return autonomy.product(organisation_id)

    @pytest.fixture
    def migrated_copy(self, _application: Autonomy) -> Iterator[Engine]:
        """A copy of the migrated database, as its owner sees it."""
        with _application.database.of_its_own(f"contract_{uuid7().hex}") as owner_url:
            yield create_engine(owner_url, poolclass=NullPool)

    @pytest.fixture
    def migrated_without_it(self, postgresql: EmbeddedServer, autonomy_plugins: Plugins) -> Iterator[Engine]:
        """A database with everything but the plugin, as its owner sees it."""
        name = f"contract_{uuid7().hex}"
        postgresql.create_database(name)
        others = self.other_migrations(autonomy_plugins)
        migrate(postgresql.url(name), others, application_role=APPLICATION_ROLE)
        yield create_engine(postgresql.url(name), poolclass=NullPool)
        postgresql.drop_database(name)

    def organise(self, autonomy: Autonomy, *, both: bool = False) -> None:
        """Make an organisation with the plugin, and one without it, unless both are to have it."""
        for organisation_id, enabled in ((WITH, True), (WITHOUT, both)):
            plugins = (stand_ins.NAME, self.plugin) if enabled else (stand_ins.NAME,)
            settings = {self.plugin: self.settings} if enabled and self.settings else {}
            autonomy.organisation(organisation_id, plugins=plugins, settings=settings)
            if enabled:
                self.prepare(autonomy, organisation_id)

    def sell(self, autonomy: Autonomy, organisation_id: str) -> Payment:
        """A completed payment."""
        return autonomy.buy(autonomy.customer(organisation_id), self.sold_product(autonomy, organisation_id))

    def callers(self, autonomy: Autonomy, organisation_id: str) -> list[dict[str, str]]:
        """Headers of everybody who may ask: nobody in particular, a customer, staff."""
        customer = autonomy.customer(organisation_id, f"{uuid7()}@example.org")
        return [{}, autonomy.as_customer(customer), autonomy.as_staff(organisation_id)]

    def calls(
        self, autonomy: Autonomy, found: Registrations, organisation_id: str, *, unknown_ids: bool = True
    ) -> list[tuple[str, str]]:
        """Method and path of every call and node that the plugin has registered.

        Args:
            unknown_ids: with those whose path has an id that only the plugin can know; it is made up.
        """
        where = addresses(found.registry)
        patterns = {call for operation in found.operations for call in _addressed(operation, where)}
        if unknown_ids:
            patterns |= {
                ("GET", path) for child in found.children.values() for path in where.get(child.factory, ())
            }
        known = {"organisation": organisation_id, "product_id": autonomy.product(organisation_id).id}
        if not unknown_ids:
            patterns = {(method, path) for method, path in patterns if not _parameters(path) - known.keys()}
        return sorted((method, path.format_map(_Ids(known))) for method, path in patterns)

    def needs(self, autonomy: Autonomy, hook: str) -> None:
        """Skip the test when the plugin does not implement a hook."""
        if self.plugin not in {found.plugin for found in autonomy.runtime.plugins.implementations(hook)}:
            pytest.skip(f"{self.plugin} has no {hook}")

    def registered(self, plugins: Plugins, hook: str) -> Any:
        """What the plugin answers to a ``register_…`` hook, None if it has none."""
        return dict(plugins.registered(hook)).get(self.plugin)

    def migrations(self, plugins: Plugins) -> Migrations:
        """The plugin's migrations; the test is skipped when it has none."""
        found = self.registered(plugins, "register_migrations")
        if found is None:
            pytest.skip(f"{self.plugin} has no migrations")
        return found

    def other_migrations(self, plugins: Plugins) -> list[Migrations]:
        """The core's and the other plugins'."""
        return [component for component in components(plugins) if component.component != self.plugin]


class _Ids(dict[str, Any]):
    """Made up, unless they are known."""

    def __missing__(self, parameter: str) -> UUID:
        return uuid7()


def _addressed(operation: Operation, where: Mapping[type[Resource], list[str]]) -> list[tuple[str, str]]:
    paths = [
        path for context, paths in where.items() if issubclass(context, operation.context) for path in paths
    ]
    assert paths, (
        f"{operation.context.__name__} is nowhere in the tree: use add_child, or a Collection's item"
    )
    return [(operation.method, f"{path}/{operation.name}".rstrip("/")) for path in paths]


def _parameters(path: str) -> set[str]:
    return {segment.strip("{}") for segment in path.split("/") if segment.startswith("{")}
