"""The nodes of archives in the tree."""

from __future__ import annotations

from autonomy_core.plugin_api.catalog import Product
from media_mp3.resources import ByFormat, Linked, OfProduct


class ProductArchive(Linked):
    """``…/customers/products/{product_id}/archives/{format}``: a whole release, for its owner or by a link.

    The view finds out whether the customer owns the product, and whether there is such an archive.
    """

    @property
    def product(self) -> Product:
        """The product."""
        assert isinstance(self.__parent__, ProductArchives)  # noqa: S101 - it is only below such nodes
        return self.__parent__.product


class ProductArchives(OfProduct, ByFormat):
    """``…/customers/products/{product_id}/archives``: for a customer who owns the product."""

    item = ProductArchive

    def item_for(self, identifier: str, name: str) -> ProductArchive:  # type: ignore[override]
        """The archive of any format; the view's service knows which there are."""
        return ProductArchive(self.request, self, name)
