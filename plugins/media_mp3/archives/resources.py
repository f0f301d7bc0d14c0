"""The nodes of archives in the tree."""

from __future__ import annotations

from typing import Any, ClassVar

from autonomy_core.plugin_api.catalog import Product
from autonomy_core.plugin_api.media import FORMAT_NAME
from autonomy_core.plugin_api.resources import Collection, CustomerProduct, Resource
from autonomy_core.plugin_api.security import CUSTOMER, Allow, Permission


class ProductArchive(Resource):
    """``…/customers/products/{product_id}/archives/{format}``: a whole release, for its owner or by a link.

    The view finds out whether the customer owns the product, and whether there is such an archive.
    """

    @property
    def product(self) -> Product:
        """The product.

        Raises:
            NotFound: the organisation has no product with this id.
        """
        assert isinstance(self.__parent__, ProductArchives)  # noqa: S101 - it is only below such nodes
        return self.__parent__.product

    def __acl__(self) -> Any:
        """Customers, and the holders of a link to this path."""
        listeners = (CUSTOMER, f"link:{self.request.path}")
        return [(Allow, principal, Permission.LISTEN) for principal in listeners]


class ProductArchives(Collection):
    """``…/customers/products/{product_id}/archives``: for a customer who owns the product."""

    item = ProductArchive
    parameter = "format"
    identifier: ClassVar = {"type": "string", "pattern": f"^{FORMAT_NAME.pattern}$"}

    @property
    def product(self) -> Product:
        """The product.

        Raises:
            NotFound: the organisation has no product with this id.
        """
        assert isinstance(self.__parent__, CustomerProduct)  # noqa: S101 - it is only below such nodes
        return self.__parent__.product

    def identify(self, name: str) -> str | None:
        """The name of a format."""
        return name if FORMAT_NAME.fullmatch(name) else None

    def item_for(self, identifier: str, name: str) -> ProductArchive:  # type: ignore[override]
        """The archive of any format; the view's service knows which there are."""
        return ProductArchive(self.request, self, name)
