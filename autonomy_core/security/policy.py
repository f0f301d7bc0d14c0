"""The security policy: authenticators identify the caller, and the contexts' ACLs grant permissions.

A view names its permission, one of `kernel.identity.Permission`, in `api_view`. The ACLs are the attributes
``__acl__`` of the contexts: see `traversal.resources`. `api_keys` authenticates staff; plugins authenticate
customers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pyramid.authorization import ACLHelper, Authenticated, Everyone
from pyramid.config import Configurator
from pyramid.request import Request, RequestLocalCache
from structlog.contextvars import bind_contextvars

from autonomy_core.errors import NotAuthenticated
from autonomy_core.kernel.identity import STAFF, Identity
from autonomy_core.kernel.protocols import Authenticator
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.security.api_keys import ApiKeyAuthenticator
from autonomy_core.security.members import as_member
from autonomy_core.traversal.request import reading_scope


class SecurityPolicy:
    """Calls the authenticators of the core and of enabled plugins, once per request.

    Args:
        authenticators: pairs of plugin name (None for the core) and authenticator, in the order in which they
            are called.
    """

    def __init__(self, authenticators: Sequence[tuple[str | None, Authenticator]]) -> None:
        self._authenticators = authenticators
        self._acl = ACLHelper()
        # Pyramid does not cache identities, so each access would repeat the queries.
        self._cache = RequestLocalCache(self._identify)

    def _identify(self, request: Request) -> Identity | None:
        organisation = request.organisation
        if organisation is None:
            return None
        with reading_scope(request) as scope:
            for plugin, authenticator in self._authenticators:
                if plugin is not None and plugin not in organisation.plugins:
                    continue
                identity = authenticator.identify(scope, request)
                if identity is not None and identity.organisation_id == organisation.id:
                    bind_contextvars(actor=identity.kind)
                    return identity
        return None

    def identity(self, request: Request) -> Identity | None:
        """The caller, in the request's organisation."""
        return self._cache.get_or_create(request)

    def become_staff(self, request: Request) -> None:
        """Make sure that the caller is staff. From here on, a member of staff has the scopes of the role.

        Raises:
            NotAuthenticated: the caller has no identity.
            NotAllowed: the caller is not staff, or needs a second factor.
        """
        identity = self.identity(request)
        if identity is None:
            raise NotAuthenticated
        if STAFF in identity.principals:
            return
        with reading_scope(request) as scope:
            member = as_member(scope, identity)
        self._cache.set(request, member)
        bind_contextvars(actor=member.kind)

    def authenticated_userid(self, request: Request) -> UUID | None:
        """The id of the customer or API key."""
        identity = self.identity(request)
        return identity.id if identity else None

    def permits(self, request: Request, context: Any, permission: str) -> Any:
        """Whether the ACLs from the context up to the root grant the permission."""
        principals = {Everyone}
        identity = self.identity(request)
        if identity is not None:
            principals |= {Authenticated, *identity.principals}
        return self._acl.permits(context, principals, permission)

    def remember(self, request: Request, userid: Any, **options: Any) -> list[tuple[str, str]]:
        """No headers, because clients send their token with each request."""
        return []

    def forget(self, request: Request, **options: Any) -> list[tuple[str, str]]:
        """No headers."""
        return []


def includeme(config: Configurator) -> None:
    """Install the policy with the authenticators of the core and the plugins."""
    authenticators: list[tuple[str | None, Authenticator]] = [(None, ApiKeyAuthenticator())]
    for plugin, offered in runtime_of(config.registry).plugins.registered("register_authenticators"):
        authenticators.extend((plugin, authenticator) for authenticator in offered)
    policy = SecurityPolicy(authenticators)
    config.set_security_policy(policy)

    def become_staff(request: Request) -> None:
        policy.become_staff(request)

    # Pyramid binds a function to the request, and not the method of another object.
    config.add_request_method(become_staff)
