"""``/metrics``: counters and durations for Prometheus.

It answers only to whoever asks from this machine without a proxy in between, unless the server's ini file
says ``autonomy.operations_public = true`` (behind a proxy or in a private network that hides it otherwise):
the numbers tell every organisation's business. Everybody else is answered 404.

With several worker processes they are summed, through files in ``PROMETHEUS_MULTIPROC_DIR``, which ``autonomy
serve --workers`` sets.
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
from autonomy_core.operations.presence import WorkerPresence
from autonomy_core.traversal.resources import Resource, Root

NO_RESOURCE = "none"


def resource_of(request: Request, status: int) -> str:
    """The class of what a request was about, with the view's name: ``ProductDetail``, ``Health.ready``.

    Args:
        status: of the answer. With 404 the view's name may be the caller's invention, and is left out.
    """
    context = getattr(request, "context", None)
    if not isinstance(context, Resource):
        return NO_RESOURCE
    name = type(context).__name__
    return f"{name}.{request.view_name}" if request.view_name and status != NotFound.status else name


class Metrics(Resource):
    """``/metrics``"""


def show_metrics(context: Metrics, request: Request) -> Response:
    """The numbers, in Prometheus' text format."""
    if not may_see_operations(request):
        raise NotFound
    presence = request.registry.worker_presence.registry()
    presence.register(AlarmMetric(request.runtime.database))
    return Response(
        generate_latest(_registry()) + generate_latest(presence),
        content_type=None,
        headerlist=[("Content-Type", CONTENT_TYPE_LATEST)],
    )


def may_see_operations(request: Request) -> bool:
    """Whether the caller may see what concerns the server as a whole."""
    return request.runtime.settings.operations_public or _is_local(request)


def _registry() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    summed = CollectorRegistry()
    MultiProcessCollector(summed)
    return summed


def _is_local(request: Request) -> bool:
    """Whether the caller is on this machine, and is not a proxy that asks for somebody else."""
    if any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")):
        return False
    address = address_of(request.remote_addr)
    return address is not None and address.is_loopback


def includeme(config: Configurator) -> None:
    """Hang it below the root."""
    config.registry.worker_presence = WorkerPresence(config.registry.runtime.database)
    config.add_child(Root, "metrics", Metrics)
    config.add_view(show_metrics, context=Metrics, request_method="GET", permission=NO_PERMISSION_REQUIRED)
