"""Whose tables are whose: a plugin's begin with its name, and refer to its own and the core's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, inspect, text
from sqlalchemy.orm import Mapper

from autonomy_core.db.base import Base

if TYPE_CHECKING:
    from autonomy_core.db.migrations import Migrations

TABLES = text("""
    SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
""")
REFERENCES = text("""
    SELECT here.relname, there.relname FROM pg_constraint k
    JOIN pg_class here ON here.oid = k.conrelid JOIN pg_class there ON there.oid = k.confrelid
    WHERE k.contype = 'f' AND here.relnamespace = 'public'::regnamespace
""")


def tables_in(connection: Connection) -> set[str]:
    """Every table and view."""
    return set(connection.scalars(TABLES))


def foreign_tables(
    connection: Connection, component: Migrations, others: Sequence[Migrations], before: set[str]
) -> Iterator[str]:
    """What a revision of a plugin has made that is not the plugin's to make, a sentence each.

    Args:
        others: the other components.
        before: the tables that were there before the revision.
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
    """What is wrong with the tables of a plugin's models, a sentence each.

    Args:
        plugin_of: tells the plugin that a module belongs to.
    """
    owners = {
        mapper.local_table: plugin_of(mapper.class_.__module__)
        for mapper in _mappers(Base)
        if isinstance(mapper.local_table, Table)
    }
    by_name = {table.name: owner for table, owner in owners.items()}
    for table in (table for table, owner in owners.items() if owner == plugin):
        if not table.name.startswith(f"{plugin}_"):
            yield f"its table {table.name!r} has to be called {plugin}_…; `autonomy migrate` refuses it"
        if "organisation_id" not in table.primary_key.columns:
            yield (
                f"its table {table.name!r} has no organisation_id in its primary key: derive the model from Identified "
                "or OrganisationScoped"
            )
        for there in sorted({key.target_fullname.partition(".")[0] for key in table.foreign_keys}):
            owner = by_name.get(there)
            if owner not in {plugin, None}:
                yield _reference(table.name, there, str(owner))


def _mappers(base: type[Base]) -> Iterator[Mapper[Any]]:
    """Of the models below a class, without those within which their module failed: `registry.mappers` raises for them."""
    for model in base.__subclasses__():
        mapper: Mapper[Any] | None = inspect(model, raiseerr=False)
        if mapper is not None:
            yield mapper
        yield from _mappers(model)


def owner_of(table_name: str, components: Sequence[Migrations]) -> str | None:
    """The plugin whose prefix claims a table, the longest one first; None for the core, which has what none claims."""
    prefixes = {one.table_prefix: one.component for one in components if one.table_prefix is not None}
    fitting = [prefix for prefix in prefixes if table_name.startswith(prefix)]
    return prefixes[max(fitting, key=len)] if fitting else None


def _reference(here: str, there: str, owner: str) -> str:
    return f"its table {here} refers to {there}, a table of plugin {owner}: neither could be removed or changed alone"
