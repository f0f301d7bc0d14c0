"""Table ownership: a plugin's tables have its name as prefix, and refer only to its own and the core's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Table, inspect, text
from sqlalchemy.orm import Mapper

from autonomy_core.db.base import Base
from autonomy_core.db.components import Migrations

TABLES = text("""
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
""")
REFERENCES = text("""
    SELECT here.relname, there.relname FROM pg_constraint k
    JOIN pg_class here ON here.oid = k.conrelid JOIN pg_class there ON there.oid = k.confrelid
    WHERE k.contype = 'f' AND here.relnamespace = 'public'::regnamespace
""")


def tables_in(connection: Connection) -> set[str]:
    """The names of all tables and views."""
    return set(connection.scalars(TABLES))


def foreign_tables(
    connection: Connection, component: Migrations, others: Sequence[Migrations], before: set[str]
) -> Iterator[str]:
    """Violations of table ownership by a plugin's revision, one sentence each.

    Args:
        connection: the connection of the revision, in its transaction.
        component: the component whose revision ran.
        others: the other components.
        before: the tables that existed before the revision.
    """
    if component.table_prefix is None:
        return
    own = tables_in(connection) - before - {component.version_table}
    for name in sorted(own):
        if not name.startswith(component.table_prefix):
            yield f"it makes the table {name}; name it {component.table_prefix}…"
    for here, there in connection.execute(REFERENCES):
        owner = owner_of(there, (component, *others))
        if here in own and owner not in {component.component, None}:
            yield _reference(here, there, owner)


def problems_of_models(plugin: str, plugin_of: Callable[[str], str | None]) -> Iterator[str]:
    """Problems of the tables that a plugin's models define, one sentence each.

    Args:
        plugin: the name of the plugin.
        plugin_of: returns the name of the plugin that a module belongs to; None for the core.
    """
    owners = _owners(plugin_of)
    by_name = {table.name: owner for table, owner in owners.items()}
    for table in (table for table, owner in owners.items() if owner == plugin):
        if not table.name.startswith(f"{plugin}_"):
            yield f"its table {table.name!r} has to be called {plugin}_…; `autonomy migrate` refuses it"
        if "organisation_id" not in table.primary_key.columns:
            yield (
                f"its table {table.name!r} has no organisation_id in its primary key: derive the model from "
                "Identified or OrganisationScoped"
            )
        for there in sorted({key.target_fullname.partition(".")[0] for key in table.foreign_keys}):
            owner = by_name.get(there)
            if owner not in {plugin, None}:
                yield _reference(table.name, there, str(owner))


def tables_of_models(plugin: str, plugin_of: Callable[[str], str | None]) -> list[str]:
    """The sorted names of the tables that a plugin's models define. Arguments as for `problems_of_models`."""
    return sorted(table.name for table, owner in _owners(plugin_of).items() if owner == plugin)


def _owners(plugin_of: Callable[[str], str | None]) -> dict[Table, str | None]:
    return {
        mapper.local_table: plugin_of(mapper.class_.__module__)
        for mapper in _mappers(Base)
        if isinstance(mapper.local_table, Table)
    }


def _mappers(base: type[Base]) -> Iterator[Mapper[Any]]:
    """Mappers of the models below a class, except models whose module failed to import.

    `registry.mappers` raises an error if there is such a model.
    """
    for model in base.__subclasses__():
        mapper: Mapper[Any] | None = inspect(model, raiseerr=False)
        if mapper is not None:
            yield mapper
        yield from _mappers(model)


def owner_of(table_name: str, components: Sequence[Migrations]) -> str | None:
    """The plugin whose prefix matches a table; the longest prefix wins. None for the core's tables."""
    prefixes = {one.table_prefix: one.component for one in components if one.table_prefix is not None}
    fitting = [prefix for prefix in prefixes if table_name.startswith(prefix)]
    return prefixes[max(fitting, key=len)] if fitting else None


def _reference(here: str, there: str, owner: str) -> str:
    return (
        f"its table {here} refers to {there}, a table of plugin {owner}: "
        "neither could be removed or changed alone"
    )
