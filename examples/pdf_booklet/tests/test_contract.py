from pdf_booklet.models import Booklet

from autonomy_core.plugin_api.catalog import Product
from autonomy_core.testing.application import Autonomy
from autonomy_core.testing.contract import PluginContract


class TestContract(PluginContract):
    plugin = "pdf_booklet"
    settings = {"max_upload_mb": "1", "link_minutes": "5"}

    def sold_product(self, autonomy: Autonomy, organisation_id: str) -> Product:
        product = autonomy.product(organisation_id)
        with autonomy.scope(organisation_id) as scope:
            scope.session.add(
                Booklet(
                    organisation_id=organisation_id,
                    product_id=product.id,
                    storage_key=f"{organisation_id}/00/{'0' * 64}.pdf",
                    sha256="0" * 64,
                    size=1,
                    filename="a.pdf",
                    pages=1,
                )
            )
        return product
