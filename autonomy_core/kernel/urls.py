"""The URLs of an organisation for texts outside requests, such as mails."""

from __future__ import annotations

from autonomy_core.kernel.scope import TenantScope
from autonomy_core.tenancy.hosts import name_of


class NoHost(LookupError):
    """Neither the organisation nor the server has declared a host, so a link could lead nowhere."""


def api_url(scope: TenantScope, path: str) -> str:
    """The URL of a call of the organisation's API.

    Args:
        scope: the organisation's scope.
        path: the path below ``api/v1/``.

    Raises:
        NoHost: no host is declared.
    """
    return f"{site_url(scope)}api/v1/{path}"


def site_url(scope: TenantScope) -> str:
    """The URL of the organisation's site, with a slash at its end.

    It depends on declared hosts only. The host of a request would let its sender choose where links lead.

    Args:
        scope: the organisation's scope.

    Raises:
        NoHost: no host is declared.
    """
    local_port = scope.server.local_port
    if scope.organisation.hosts:
        return f"{_origin(scope.organisation.hosts[0], local_port)}/"
    # The server's own hosts have the organisation in the path.
    for host in scope.hosts:
        return f"{_origin(host, local_port)}/{scope.organisation.id}/"
    raise NoHost("no address for links: declare a host of the organisation")


def _origin(host: str, local_port: int | None) -> str:
    """The origin of a declared host. Only a developer's own machine does without TLS."""
    name = name_of(host)
    if name not in {"127.0.0.1", "[::1]"} and name.split(".")[-1] != "localhost":
        return f"https://{host}"
    return f"http://{host if local_port is None else f'{name}:{local_port}'}"
