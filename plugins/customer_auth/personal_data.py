"""What the plugin keeps of a customer: logins, credentials, and links that were mailed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select

from autonomy_core.plugin_api.customers import PersonalData, erasable_addresses
from autonomy_core.plugin_api.models import Base
from autonomy_core.plugin_api.scope import TenantScope
from customer_auth.challenges.models import Challenge
from customer_auth.models import Flow, LoginSession
from customer_auth.providers.models import ProviderIdentity
from customer_auth.settings import PLUGIN


def export(scope: TenantScope, customer_id: UUID) -> Iterator[tuple[str, Any]]:
    """Yield the customer's logins and identities at providers.

    Hashes of passwords and of tokens say nothing to the customer.
    """
    found = select(LoginSession).where(LoginSession.customer_id == customer_id).order_by(LoginSession.id)
    yield (
        "logins.json",
        [
            {
                "created_at": login.created_at,
                "last_seen_at": login.last_seen_at,
                "revoked_at": login.revoked_at,
                "browser": login.browser,
                "system": login.system,
                "network": login.network,
            }
            for login in scope.session.scalars(found)
        ],
    )
    yield "identities.json", _identities(scope, customer_id)


def _identities(scope: TenantScope, customer_id: UUID) -> list[dict[str, Any]]:
    found = select(ProviderIdentity).where(ProviderIdentity.customer_id == customer_id)
    return [
        {name: getattr(each, name) for name in ("issuer", "subject", "linked_at", "used_at")}
        for each in scope.session.scalars(found.order_by(ProviderIdentity.id))
    ]


def erase(scope: TenantScope, customer_id: UUID) -> None:
    """Delete what the plugin has about the customer, and the links to the customer's address."""
    to_them = func.lower(Challenge.email).in_(erasable_addresses(scope, customer_id))
    scope.session.execute(delete(Challenge).where(to_them))
    forget(scope, customer_id)


def forget(scope: TenantScope, customer_id: UUID) -> None:
    """Delete every row about the customer."""
    for table in tables_about_customers():
        scope.session.execute(delete(table).where(table.customer_id == customer_id))


def tables_about_customers() -> list[Any]:
    """The plugin's models with a ``customer_id``, so that no new one is forgotten.

    What a login uses comes before the logins. A login locks what it uses until it commits, so who deletes the
    tables in this order waits for a login that is about to begin, and finds it.
    """
    models = [mapper.class_ for mapper in Base.registry.mappers]
    found = [
        model
        for model in models
        if model.__tablename__.startswith(f"{PLUGIN}_") and hasattr(model, "customer_id")
    ]
    return sorted(found, key=lambda model: (_place(model), model.__tablename__))


def _place(model: Any) -> int:
    """All code locks challenges before flows, and flows before credentials."""
    return {Challenge: 0, Flow: 1, LoginSession: 3}.get(model, 2)


PERSONAL_DATA = PersonalData(PLUGIN, export, erase)
