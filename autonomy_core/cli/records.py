"""Finds an organisation in the database, for commands that do not need its settings."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from sqlalchemy import exists, inspect, literal, or_, select

from autonomy_core.cli.failures import Failure
from autonomy_core.db.base import Base
from autonomy_core.tenancy.domain import Organisation, id_problem

if TYPE_CHECKING:
    from autonomy_core.kernel.runtime import Runtime


def organisation_without_file(runtime: Runtime, organisation_id: str) -> Organisation:
    """Return an organisation that has rows or a file, without a name, hosts, plugins and settings.

    Raises:
        Failure: it has neither a file nor rows.
    """
    source = runtime.settings.tenants / f"{organisation_id}.ini"
    organisation = Organisation(
        organisation_id,
        organisation_id,
        (),
        currency="",
        plugins=(),
        settings=MappingProxyType({}),
        source=source,
    )
    if id_problem(source, organisation_id) is None and (
        runtime.tenants.is_known(organisation_id) or _has_rows(runtime, organisation)
    ):
        return organisation
    raise Failure(
        f"There is no organisation {organisation_id!r}: it has no file and no rows in the database; "
        "autonomy tenants list shows those there are."
    )


def _has_rows(runtime: Runtime, organisation: Organisation) -> bool:
    with runtime.transaction(organisation) as scope:
        # The model of a plugin that is not migrated has no table.
        there = set(inspect(scope.session.connection()).get_table_names())
        tables = (table for table in Base.metadata.sorted_tables if table.name in there)
        found = [
            exists().where(table.c.organisation_id == organisation.id)
            for table in tables
            if "organisation_id" in table.columns
        ]
        return bool(scope.session.scalar(select(or_(literal(value=False), *found))))
