"""The security policy: authenticators tell who is asking, the contexts' ACLs what they may."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pyramid.authorization import ACLHelper, Authenticated, Everyone
from pyramid.config import Configurator
from pyramid.request import Request, RequestLocalCache
from structlog.contextvars import bind_contextvars

from autonomy_core.kernel.identity import Identity
from autonomy_core.kernel.protocols import Authenticator
from autonomy_core.security.api_keys import ApiKeyAuthenticator


class SecurityPolicy:
    """Asks the core's and the enabled plugins' authenticators, once a request.

    Args:
        authenticators: pairs of plugin name (None: the core) and authenticator, in the order in which they
            are asked.
    """

    def __init__(self, authenticators: Sequence[tuple[str | None, Authenticator]]) -> None:
        self._authenticators = authenticators
        self._acl = ACLHelper()
        # Pyramid does not cache identities: without this, each look at one repeats its queries.
        self._cache = RequestLocalCache(self._identify)

    def _identify(self, request: Request) -> Identity | None:
        organisation = request.organisation
        if organisation is None:
            return None
        for plugin, authenticator in self._authenticators:
            if plugin is not None and plugin not in organisation.plugins:
                continue
            identity = authenticator.identify(request)
            if identity is not None and identity.organisation_id == organisation.id:
                bind_contextvars(actor=identity.kind)
                return identity
        return None

    def identity(self, request: Request) -> Identity | None:
        """Who is asking, in the organisation that the request is about."""
        return self._cache.get_or_create(request)

    def authenticated_userid(self, request: Request) -> UUID | None:
        """The id of the customer or API key."""
        identity = self.identity(request)
        return identity.id if identity else None

    def permits(self, request: Request, context: Any, permission: str) -> Any:
        """Whether the ACLs from the context up to the root allow it."""
        principals = {Everyone}
        identity = self.identity(request)
        if identity is not None:
            principals |= {Authenticated, *identity.principals}
        return self._acl.permits(context, principals, permission)

    def remember(self, request: Request, userid: Any, **options: Any) -> list[tuple[str, str]]:
        """Nothing to remember: clients send their token with each request."""
        return []

    def forget(self, request: Request, **options: Any) -> list[tuple[str, str]]:
        """Nothing to forget."""
        return []


def includeme(config: Configurator) -> None:
    """Install the policy with what the core and the plugins recognise."""
    authenticators: list[tuple[str | None, Authenticator]] = [(None, ApiKeyAuthenticator())]
    for plugin, offered in config.registry.runtime.plugins.registered("register_authenticators"):
        authenticators.extend((plugin, authenticator) for authenticator in offered)
    config.set_security_policy(SecurityPolicy(authenticators))
