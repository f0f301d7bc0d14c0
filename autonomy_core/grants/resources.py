"""A customer's products in the resource tree, for the customer and for staff."""

from __future__ import annotations

from uuid import UUID

from pyramid.decorator import reify
from pyramid.request import Request

from autonomy_core.catalog.models import Product
from autonomy_core.catalog.resources import ProductNode
from autonomy_core.catalog.services import find_product
from autonomy_core.customers.models import Customer
from autonomy_core.customers.resources import AdminCustomer
from autonomy_core.errors import NotFound
from autonomy_core.grants.giving import grants_of
from autonomy_core.grants.models import Grant
from autonomy_core.kernel.scope import transaction_of
from autonomy_core.traversal.resources import Collection, Resource


class CustomerProduct(ProductNode):
    """``…/customers/products/{product_id}``: a product that the customer may buy or owns.

    The product is loaded when it is first used: a purchase reads it together with everything else it needs.
    In a view without a transaction it is read in a short transaction of its own.
    """

    def __init__(self, request: Request, parent: Resource, name: str, product_id: UUID) -> None:
        Resource.__init__(self, request, parent, name)
        self.product_id = product_id

    @reify
    def product(self) -> Product:
        """The product.

        Raises:
            NotFound: the organisation has no product with this id.
        """
        if transaction_of(self.scope) is None:
            with self.scope.begin() as own:
                product = find_product(own, self.product_id)
        else:
            product = find_product(self.scope, self.product_id)
        if product is None:
            raise NotFound
        return product


class CustomerProducts(Collection):
    """``…/customers/products``"""

    item = CustomerProduct
    parameter = "product_id"

    def item_for(self, identifier: UUID, name: str) -> CustomerProduct:
        """Return the resource of any id; the view's service checks the product."""
        return CustomerProduct(self.request, self, name, identifier)


class AdminCustomerGrant(Resource):
    """``…/admin/customers/{customer_id}/grants/{grant_id}``"""

    def __init__(self, request: Request, parent: Resource, name: str, grant: Grant) -> None:
        super().__init__(request, parent, name)
        self.grant = grant

    @property
    def customer(self) -> Customer:
        """The customer in the URL."""
        parent = self.__parent__
        assert isinstance(parent, AdminCustomerGrants)  # noqa: S101 - for the type checker: no other parent
        return parent.customer


class AdminCustomerGrants(Collection):
    """``…/admin/customers/{customer_id}/grants``"""

    item = AdminCustomerGrant
    parameter = "grant_id"

    @property
    def customer(self) -> Customer:
        """The customer in the URL."""
        parent = self.__parent__
        assert isinstance(parent, AdminCustomer)  # noqa: S101 - for the type checker: it has no other parent
        return parent.customer

    def item_for(self, identifier: UUID, name: str) -> AdminCustomerGrant:
        """Return a grant of the customer."""
        mine = grants_of(self.customer.id).where(Grant.id == identifier)
        grant = self.scope.session.scalars(mine).one_or_none()
        if grant is None:
            raise KeyError(name)
        return AdminCustomerGrant(self.request, self, name, grant)
