"""Services: promise a gift, give it."""

from __future__ import annotations

from uuid import UUID

from autonomy_core.plugin_api.catalog import find_product
from autonomy_core.plugin_api.customers import find_customer
from autonomy_core.plugin_api.events import CustomerVerified
from autonomy_core.plugin_api.grants import give
from autonomy_core.plugin_api.jobs import TryAgain, defer
from autonomy_core.plugin_api.mail import send
from autonomy_core.plugin_api.scope import TenantScope

PLUGIN = "welcome_gift"
GIVE_JOB = f"{PLUGIN}.give"
MAIL = f"{PLUGIN}.gift"


def promise_gift(event: CustomerVerified) -> None:
    """Defer the job, which runs if the proof of the address is committed."""
    defer(event.scope, GIVE_JOB, customer_id=str(event.customer_id))


def give_gift(scope: TenantScope, customer_id: str) -> None:
    """Give the product, and tell the customer by mail. Running it again changes nothing.

    Raises:
        TryAgain: the organisation has no such product; the job then runs again later.
    """
    customer = find_customer(scope, UUID(customer_id))
    if customer is None or not customer.is_current:
        return
    product_id = scope.settings(PLUGIN)["product_id"]
    if find_product(scope, product_id) is None:
        raise TryAgain(f"the product_id of [{PLUGIN}] is no product")
    given = give(scope, customer.id, product_id, "verified the address", plugin=PLUGIN)
    if given:
        send(
            scope,
            MAIL,
            customer.email,
            {"name": customer.name, "titles": [grant.product.title for grant in given]},
            customer_id=customer.id,
            locale=customer.locale,
            once=f"{MAIL}:{customer.id}",
        )
