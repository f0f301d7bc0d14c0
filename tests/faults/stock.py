"""The initial data of the two shops: a migrated database, staff keys and products. Made without HTTP."""

from autonomy_core.catalog.services import create_product
from autonomy_core.cli.server_ini import read_ini
from autonomy_core.db.migrations import migrate
from autonomy_core.kernel.manager import Plugins
from autonomy_core.runtime import APPLICATION_ROLE, DATABASE_NAME, components, make_runtime
from autonomy_core.security import api_keys
from media_mp3.models import Track

SCOPES = ("payments.read", "payments.refund")


def stock(database, ini, shops, products, price):
    """Return the staff key and the product ids of each shop."""
    plugins = Plugins.from_entry_points()
    database.create_database(DATABASE_NAME)
    migrate(database.url(DATABASE_NAME), components(plugins), application_role=APPLICATION_ROLE)
    runtime = make_runtime(read_ini(ini), plugins)
    try:
        runtime.tenants.reload()
        return {shop: _stock_one(runtime, shop, products, price) for shop in shops}
    finally:
        runtime.close()


def _stock_one(runtime, shop, products, price):
    with runtime.transaction(runtime.tenants.get(shop)) as scope:
        _, key = api_keys.issue(scope, "faults", SCOPES, actor="tests")
        return key, [str(_sell_a_recording(scope, number, price)) for number in range(products)]


def _sell_a_recording(scope, number, price):
    values = {"title": f"Number {number}", "description": "A piece.", "kind": "mp3", "amount": price}
    product = create_product(scope, values, actor="tests")
    scope.session.add(
        Track(
            organisation_id=scope.organisation.id,
            product_id=product.id,
            position=1,
            title="A piece",
            duration_ms=1000,
            bitrate=128_000,
            size=1000,
            sha256="0" * 64,
            storage_key=f"{scope.organisation.id}/00/{'0' * 64}.mp3",
            filename="piece.mp3",
            peaks=b"\0",
        )
    )
    scope.session.flush()
    return product.id
