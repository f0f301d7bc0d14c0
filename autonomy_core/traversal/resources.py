"""The context objects: the base classes `Resource` and `Collection`, and the core's nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from pyramid.authorization import Allow
from pyramid.location import lineage
from pyramid.request import Request

from autonomy_core.errors import NotAuthenticated
from autonomy_core.fields import parse_uuid
from autonomy_core.kernel.identity import CUSTOMER, RECENT, Permission
from autonomy_core.traversal.request import scope_of
from autonomy_core.traversal.target import check_target

if TYPE_CHECKING:
    from autonomy_core.kernel.scope import TenantScope
    from autonomy_core.tenancy.domain import Organisation


@dataclass(frozen=True, slots=True)
class Child:
    """A registered child of a node: its class, and the plugin that registered it (None for the core)."""

    factory: type[Resource]
    plugin: str | None


class Resource:
    """A node of the tree.

    Register children with ``config.add_child(Parent, "name", Factory)``. A child that a plugin registered
    exists only for organisations that have enabled the plugin.

    Args:
        request: the current request.
        parent: the parent node.
        name: the segment of the path.
    """

    __acl__: ClassVar[Any] = ()
    is_public: ClassVar[bool] = False
    """Whether a child of `Customers` exists for callers without an identity. Its views check the rest."""
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
        """The organisation that the URL names. It is never None below `ApiV1`."""
        return self.request.organisation

    @property
    def scope(self) -> TenantScope:
        """The request's scope, for services."""
        return scope_of(self.request)


class Collection(Resource):
    """A node whose children have ids.

    Subclasses set ``item`` and ``parameter`` for the API description, and load a child in `item_for`.
    ``identifier`` is the JSON schema of the parameter; None for a UUID. `identify` reads other ids.
    """

    item: ClassVar[type[Resource]]
    parameter: ClassVar[str]
    identifier: ClassVar[Mapping[str, Any] | None] = None

    def __getitem__(self, name: str) -> Resource:
        try:
            return super().__getitem__(name)
        except KeyError:
            if (identifier := self.identify(name)) is None:
                raise
        return self.item_for(identifier, name)

    def identify(self, name: str) -> Any:
        """The id that a segment of the path stands for; None if it cannot be an id."""
        return parse_uuid(name)

    def item_for(self, identifier: UUID, name: str) -> Resource:
        """Load the child with an id.

        Raises:
            KeyError: the organisation has no such child; the answer is 404.
        """
        raise NotImplementedError


class Site(Resource):
    """The root of an organisation's pages: the root of its host, and ``/{organisation}``.

    Plugins add the nodes of their pages here, and what another protocol wants to be here.
    """


class Root(Site):
    """``/``"""

    def __getitem__(self, name: str) -> Resource:
        organisation = self.request.organisation
        if organisation is not None and organisation.id == name:
            return OrganisationNode(self.request, self, name)
        return super().__getitem__(name)


class Api(Resource):
    """``/api``: the host names the organisation."""

    def __getitem__(self, name: str) -> Resource:
        node = super().__getitem__(name)
        if isinstance(node, ApiV1) and self.request.organisation is None:
            raise KeyError(name)
        return node


class OrganisationNode(Site):
    """``/{organisation}``"""

    def __getitem__(self, name: str) -> Resource:
        if name == "api":
            return OrganisationApi(self.request, self, name)
        return super().__getitem__(name)


class OrganisationApi(Resource):
    """``/{organisation}/api``"""


class ApiV1(Resource):
    """``…/api/v1``: the root of an organisation's API."""


class Webhooks(Resource):
    """``/api/webhook``: payment providers add their `WebhookProvider` here."""


class WebhookProvider(Resource):
    """``/api/webhook/{provider}``: the next segment names the organisation."""

    endpoint: ClassVar[type[Resource]]
    """The context class of the provider's webhook view."""

    def __getitem__(self, name: str) -> Resource:
        organisation = self.request.organisation
        if organisation is None or organisation.id != name:
            raise KeyError(name)
        return self.endpoint(self.request, self, name)


class Customers(Resource):
    """``…/customers``: a customer's own data, and what leads to it, such as a login."""

    __acl__ = ((Allow, CUSTOMER, Permission.OWN), (Allow, RECENT, Permission.OWN_RECENT))

    def __getitem__(self, name: str) -> Resource:
        node = super().__getitem__(name)
        if not node.is_public and self.request.identity is None:
            raise NotAuthenticated
        return node


class Admin(Resource):
    """``…/admin``: for staff, and for the organisation's own back end."""

    def __getitem__(self, name: str) -> Resource:
        node = super().__getitem__(name)
        # Check this before any id is looked up, because a 404 would reveal which ids exist.
        self.request.become_staff()
        return node


def site_of(context: Resource) -> Site:
    """The root of the organisation's pages, in the lineage of a page's context.

    Raises:
        LookupError: the context is below no root.
    """
    for node in lineage(context):
        if isinstance(node, Site):
            return node
    raise LookupError(f"{type(context).__name__} is not below a Site")


def api_of(context: Resource) -> ApiV1:
    """The root of the organisation's API, as the request reaches it: from a call, or from a page."""
    for node in lineage(context):
        if isinstance(node, ApiV1):
            return node
    site = site_of(context)
    request = context.request
    return ApiV1(request, Api(request, site, "api"), "v1")


def children_of(registry: Any, parent: type[Resource]) -> Mapping[str, Child]:
    """The children of a class of nodes by name, including those of its base classes."""
    tree: dict[type[Resource], dict[str, Child]] = registry.children
    found: dict[str, Child] = {}
    for base in reversed(parent.__mro__):
        if base in tree:
            found.update(tree[base])
    return found


def plugin_enabled(request: Request, plugin: str | None) -> bool:
    """Whether a plugin is enabled for the request's organisation; always true for the core."""
    if plugin is None:
        return True
    organisation = request.organisation
    return organisation is not None and plugin in organisation.plugins


def root_factory(request: Request) -> Root:
    """Create the node at which traversal begins.

    Raises:
        AutonomyError: see `check_target`.
    """
    check_target(request.environ)
    return Root(request)
