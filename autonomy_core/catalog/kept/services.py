"""Reads the version of a catalogue, and for how long an answer is right that was made of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import DateTime, Text, func, select

from autonomy_core.catalog.kept.models import CatalogueVersion
from autonomy_core.catalog.models import ProductDetails
from autonomy_core.db.catalogue import TRIGGER
from autonomy_core.db.pipeline import Statement
from autonomy_core.db.statements import compiled, parameter
from autonomy_core.kernel.scope import TenantScope

LONGEST: Final = timedelta(minutes=1)
"""How long an answer is kept at most, in case a plugin's part of it depends on the time."""

_OWN: Final = parameter("organisation_id", Text())
_NOW: Final = parameter("now", DateTime(timezone=True))

_VERSION: Final = compiled(select(CatalogueVersion.version).where(CatalogueVersion.organisation_id == _OWN))

# Not least(), so that each is found in its own index.
_MOMENTS: Final = compiled(
    select(
        *(
            select(func.min(moment))
            .where(ProductDetails.organisation_id == _OWN, moment > _NOW)
            .scalar_subquery()
            for moment in (ProductDetails.published_at, ProductDetails.released_at)
        )
    )
)

# A transaction holds a lock on each table that it has read, through views and functions as well.
_OTHER_TABLES: Final = Statement(
    """
    SELECT c.relname FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
    WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND c.relkind IN ('r', 'p', 'm', 'f')
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
        AND NOT EXISTS (
            SELECT FROM pg_trigger t
            WHERE t.tgrelid = c.oid AND t.tgname = %(trigger)s AND t.tgenabled <> 'D'
        )
    ORDER BY 1
    """,
    constants={"trigger": TRIGGER},
)


def version_of(scope: TenantScope) -> UUID | None:
    """Return the present version of the catalogue; None if nothing was ever changed.

    Args:
        scope: the organisation's scope, in no transaction.

    Raises:
        psycopg.Error, SQLAlchemyError: errors of the driver and of the pool.
    """
    rows = scope.execute_alone(_VERSION, {"organisation_id": scope.organisation.id})
    return rows[0][0] if rows else None


def right_until(scope: TenantScope, since: datetime) -> datetime:
    """Return until when an answer is right that this catalogue gave: a product may appear, or be released.

    Args:
        scope: the organisation's scope.
        since: before the answer was made, aware.
    """
    values = {"organisation_id": scope.organisation.id, "now": since}
    ((published, released),) = scope.execute_at_driver(_MOMENTS, values)
    return min(moment for moment in (published, released, since + LONGEST) if moment is not None)


def tables_beside(scope: TenantScope) -> list[str]:
    """Return the tables that the transaction has used and whose changes do not change the version."""
    return [name for (name,) in scope.execute_at_driver(_OTHER_TABLES, {})]
