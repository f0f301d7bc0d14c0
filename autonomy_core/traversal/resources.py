"""Context objects: `Resource` and `Collection`, which everything in the tree is made of, and the core's own nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from pyramid.authorization import Allow
from pyramid.request import Request

from autonomy_core.errors import NotAllowed, NotAuthenticated
from autonomy_core.fields import parse_uuid
from autonomy_core.kernel.identity import CUSTOMER, Permission
from autonomy_core.traversal.target import check_target

if TYPE_CHECKING:
    from autonomy_core.kernel.scope import TenantScope
    from autonomy_core.tenancy.domain import Organisation


@dataclass(frozen=True, slots=True)
class Child:
    """A registered child of a node: its factory, and the plugin that hung it there (None for the core)."""

    factory: type[Resource]
    plugin: str | None


class Resource:
    """A node of the tree.

    Children are registered with ``config.add_child(Parent, "name", Factory)``. A child that a plugin
    registered is there only for organisations that have enabled the plugin.

    Args:
        request: the request that walks the tree.
        parent: the node above.
        name: the segment that led here.
    """

    __acl__: ClassVar[Any] = ()
    __name__: str | None
    __parent__: Resource | None

    def __init__(self, request: Request, parent: Resource | None = None, name: str | None = None) -> None:
        self.request = request
        self.__parent__ = parent
        self.__name__ = name

    def __getitem__(self, name: str) -> Resource:
        child = children_of(self.request.registry, type(self)).get(name)
        if child is None or not plugin_enabled(self.request, child.plugin):
            raise KeyError(name)
        return child.factory(self.request, self, name)

    @property
    def organisation(self) -> Organisation:
        """The organisation that the URL names. Below `ApiV1` there always is one."""
        return self.request.organisation

    @property
    def scope(self) -> TenantScope:
        """What services of this request get."""
        return self.request.scope


class Collection(Resource):
    """A node whose children are told apart by an id.

    A subclass names its ``item`` and ``parameter`` for the API description, and loads one in `item_for`.
    """

    item: ClassVar[type[Resource]]
    parameter: ClassVar[str]

    def __getitem__(self, name: str) -> Resource:
        try:
            return super().__getitem__(name)
        except KeyError:
            if (identifier := parse_uuid(name)) is None:
                raise
        return self.item_for(identifier, name)

    def item_for(self, identifier: UUID, name: str) -> Resource:
        """The child with this id.

        Raises:
            KeyError: there is none in this organisation; the answer is 404.
        """
        raise NotImplementedError


class Root(Resource):
    """``/``"""

    def __getitem__(self, name: str) -> Resource:
        try:
            return super().__getitem__(name)
        except KeyError:
            organisation = self.request.organisation
            if organisation is None or organisation.id != name:
                raise
        return OrganisationNode(self.request, self, name)


class Api(Resource):
    """``/api``: the organisation is named by the host."""

    def __getitem__(self, name: str) -> Resource:
        node = super().__getitem__(name)
        if isinstance(node, ApiV1) and self.request.organisation is None:
            raise KeyError(name)
        return node


class OrganisationNode(Resource):
    """``/{organisation}``"""

    def __getitem__(self, name: str) -> Resource:
        if name != "api":
            raise KeyError(name)
        return OrganisationApi(self.request, self, name)


class OrganisationApi(Resource):
    """``/{organisation}/api``"""


class ApiV1(Resource):
    """``…/api/v1``: the root of an organisation's API."""


class Webhooks(Resource):
    """``/api/webhook``: a provider hangs its `WebhookProvider` here."""


class WebhookProvider(Resource):
    """``/api/webhook/{provider}``: its child is the organisation that the rest of the path names."""

    endpoint: ClassVar[type[Resource]]
    """The context that the provider's webhook view is registered for."""

    def __getitem__(self, name: str) -> Resource:
        organisation = self.request.organisation
        if organisation is None or organisation.id != name:
            raise KeyError(name)
        return self.endpoint(self.request, self, name)


class Customers(Resource):
    """``…/customers``: a customer's own things."""

    __acl__ = ((Allow, CUSTOMER, Permission.OWN),)

    def __getitem__(self, name: str) -> Resource:
        node = super().__getitem__(name)
        if self.request.identity is None:
            raise NotAuthenticated
        return node


class Admin(Resource):
    """``…/admin``: what staff and the organisation's own back end do."""

    def __getitem__(self, name: str) -> Resource:
        node = super().__getitem__(name)
        identity = self.request.identity
        # Before any id below is looked up: nobody else may learn from a 404 which of them exist.
        if identity is None:
            raise NotAuthenticated
        if identity.kind != "staff":
            raise NotAllowed
        return node


def children_of(registry: Any, parent: type[Resource]) -> Mapping[str, Child]:
    """The registered children of a class of nodes, by name, its base classes' included."""
    tree: dict[type[Resource], dict[str, Child]] = registry.children
    found: dict[str, Child] = {}
    for base in reversed(parent.__mro__):
        if base in tree:
            found.update(tree[base])
    return found


def plugin_enabled(request: Request, plugin: str | None) -> bool:
    """Whether what a plugin registered is there for this request's organisation; the core's always is."""
    if plugin is None:
        return True
    organisation = request.organisation
    return organisation is not None and plugin in organisation.plugins


def root_factory(request: Request) -> Root:
    """The node at which traversal begins.

    Raises:
        AutonomyError: see `check_target`.
    """
    check_target(request.environ)
    return Root(request)
