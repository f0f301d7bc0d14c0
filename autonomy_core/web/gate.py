"""A disabled plugin's views do not exist. A view deriver sees to it, so that nobody can forget."""

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
from autonomy_core.traversal.resources import plugin_enabled

View = Callable[[Any, Request], Response]


def gate(view: View, info: Any) -> View:
    """404 where the organisation has not enabled the plugin that registered the view."""
    plugin = info.registry.runtime.plugins.of_package(info.package.__name__)
    if plugin is None:
        return view

    def gated(context: Any, request: Request) -> Response:
        if not plugin_enabled(request, plugin):
            raise PredicateMismatch(f"plugin {plugin} is not enabled")
        return view(context, request)

    return gated


def plain(view: View, info: Any) -> View:
    """Refuse a view that is async, or a generator: Pyramid would call it, and answer without its having run.

    Raises:
        ConfigurationError: by the view's name.
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
    """404 where segments are left over: Pyramid would answer ``/products/junk/more`` like ``/products/junk``.

    Also for ``/health/@@ready``, which Pyramid would answer like ``/health/ready``, whatever a proxy makes of it.
    """
    if info.exception_only:
        return view

    def exact(context: Any, request: Request) -> Response:
        if (request.subpath and request.matched_route is None) or "/@@" in request.path_info:
            raise NotFound
        return view(context, request)

    return exact


def includeme(config: Configurator) -> None:
    """Install both before the permission is checked: a 403 would tell that there is something."""
    config.add_view_deriver(gate, name="plugin_gate", under=INGRESS, over="secured_view")
    config.add_view_deriver(exact_path, name="exact_path", under="plugin_gate", over="secured_view")
    config.add_view_deriver(plain, name="plain_view", under="exact_path", over="secured_view")
