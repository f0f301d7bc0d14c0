"""``/metrics``: counters and durations for Prometheus.

The numbers describe every organisation's business. So the server answers 404, except to requests from the
same machine that did not pass a proxy. ``autonomy.operations_public = true`` in the server's ini file allows
all requests; it is meant for a server whose proxy or private network restricts access.

With several worker processes the numbers are summed, through files in ``PROMETHEUS_MULTIPROC_DIR``, which
``autonomy serve --workers`` sets.
"""

from __future__ import annotations

import os

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from autonomy_core.addresses import address_of
from autonomy_core.alarms.services import AlarmMetric
from autonomy_core.counters import REGISTRY
from autonomy_core.errors import NotFound
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.operations.presence import WorkerPresence
from autonomy_core.operations.resources import Metrics
from autonomy_core.traversal.request import ANSWERED_BY
from autonomy_core.traversal.resources import Resource, Root

NO_RESOURCE = "none"


def resource_of(request: Request, status: int) -> str:
    """Return the class of a request's resource, with the view's name: ``ProductDetail``, ``Health.ready``.

    Args:
        request: the request.
        status: the status of the response. With 404 the view's name may be arbitrary input, so it is omitted.
    """
    context = getattr(request, "context", None)
    if not isinstance(context, Resource):
        return str(request.__dict__.get(ANSWERED_BY, NO_RESOURCE))
    name = type(context).__name__
    return f"{name}.{request.view_name}" if request.view_name and status != NotFound.status else name


def show_metrics(context: Metrics, request: Request) -> Response:
    """Return the metrics in Prometheus' text format."""
    if not may_see_operations(request):
        raise NotFound
    presence = request.registry.worker_presence.registry()
    presence.register(AlarmMetric(runtime_of(request.registry).database))
    return Response(
        generate_latest(_registry()) + generate_latest(presence),
        content_type=None,
        headerlist=[("Content-Type", CONTENT_TYPE_LATEST)],
    )


def may_see_operations(request: Request) -> bool:
    """Return whether the caller may see data that concerns the whole server."""
    return runtime_of(request.registry).settings.operations_public or _is_local(request)


def _registry() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    summed = CollectorRegistry()
    MultiProcessCollector(summed)
    return summed


def _is_local(request: Request) -> bool:
    """Return whether the request comes from this machine and did not pass a proxy."""
    if any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")):
        return False
    address = address_of(request.remote_addr)
    return address is not None and address.is_loopback


def includeme(config: Configurator) -> None:
    """Add the view below the root."""
    config.registry.worker_presence = WorkerPresence(runtime_of(config.registry).database)
    config.add_child(Root, "metrics", Metrics)
    config.add_view(show_metrics, context=Metrics, request_method="GET", permission=NO_PERMISSION_REQUIRED)
