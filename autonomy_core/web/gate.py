"""View derivers that apply to every view, for example to hide the views of disabled plugins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError, PredicateMismatch
from pyramid.request import Request
from pyramid.response import Response
from pyramid.viewderivers import INGRESS

from autonomy_core.callables import PLAIN, kind_that_does_not_run
from autonomy_core.errors import NotFound
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.traversal.resources import plugin_enabled

View = Callable[[Any, Request], Response]


def gate(view: View, info: Any) -> View:
    """Answer 404 if the organisation has not enabled the plugin that registered the view."""
    plugin = runtime_of(info.registry).plugins.of_package(info.package.__name__)
    if plugin is None:
        return view

    def gated(context: Any, request: Request) -> Response:
        if not plugin_enabled(request, plugin):
            raise PredicateMismatch(f"plugin {plugin} is not enabled")
        return view(context, request)

    return gated


def plain(view: View, info: Any) -> View:
    """Reject views that are async functions or generators: Pyramid would not run their body.

    Raises:
        ConfigurationError: with the name of the view.
    """
    called = info.original_view
    if isinstance(called, type):
        called = getattr(called, info.options.get("attr") or "__call__", None)
    kind = kind_that_does_not_run(called)
    if kind is not None:
        name = f"{info.original_view.__module__}.{info.original_view.__qualname__}"
        raise ConfigurationError(f"view {name} is {kind}, whose body would never run: {PLAIN}")
    return view


def exact_path(view: View, info: Any) -> View:
    """Answer 404 if path segments remain.

    Pyramid would answer ``/products/junk/more`` like ``/products/junk``.

    The same applies to ``/health/@@ready``, which Pyramid would answer like ``/health/ready``. A proxy that
    filters paths would not recognise it.
    """
    if info.exception_only:
        return view

    def exact(context: Any, request: Request) -> Response:
        if (request.subpath and request.matched_route is None) or "/@@" in request.path_info:
            raise NotFound
        return view(context, request)

    return exact


def includeme(config: Configurator) -> None:
    """Install the derivers before the permission check, because a 403 would reveal that the view exists."""
    config.add_view_deriver(gate, name="plugin_gate", under=INGRESS, over="secured_view")
    config.add_view_deriver(exact_path, name="exact_path", under="plugin_gate", over="secured_view")
    config.add_view_deriver(plain, name="plain_view", under="exact_path", over="secured_view")
