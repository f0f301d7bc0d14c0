"""What a plugin registers with Pyramid, as the difference to the core."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pyramid.config import Configurator

from autonomy_core.app import configure_core, include_webhooks
from autonomy_core.kernel.runtime import Runtime
from autonomy_core.pages.operations import PageView
from autonomy_core.traversal.resources import (
    ApiV1,
    Child,
    Collection,
    OrganisationNode,
    Resource,
    WebhookProvider,
    Webhooks,
    children_of,
)
from autonomy_core.web.operations import Operation

# The gate controls views; permissions, templates and renderers have no effect by themselves.
GATED = {"views", "permissions", "templates", "renderer factories"}


@dataclass(frozen=True)
class Registrations:
    """The effect of one plugin's ``register_views`` on a core without other plugins.

    Attributes:
        registry: the registry of the core with this plugin.
        operations: the registered operations.
        pages: the registered pages.
        children: the resources that were added to the tree, by parent and name.
        view_packages: each view with the package it was registered for, which the gate uses.
        introspected: everything else in Pyramid's introspection: category and title.
    """

    registry: Any
    operations: tuple[Operation, ...]
    pages: tuple[PageView, ...]
    children: Mapping[tuple[type[Resource], str], Child]
    view_packages: tuple[tuple[str, str], ...]
    introspected: tuple[tuple[str, str], ...]


def registrations_of(runtime: Runtime, plugin: str) -> Registrations:
    """Configure the core and one plugin, and return what the plugin added."""
    config = configure_core(runtime)
    views: list[tuple[str, str]] = []
    config.add_view_deriver(_recorder(views), name="registrations")
    config.commit()
    registry = config.registry
    children, introspected = _children(registry), _introspected(config)
    views.clear()
    operations, pages = len(registry.operations), len(registry.pages)
    for implementation in runtime.plugins.implementations("register_views"):
        if implementation.plugin == plugin:
            implementation(config=config.with_package(implementation.function.__module__))
    include_webhooks(config, plugin)
    config.commit()
    return Registrations(
        registry=registry,
        operations=tuple(registry.operations[operations:]),
        pages=tuple(registry.pages[pages:]),
        children={key: child for key, child in _children(registry).items() if key not in children},
        view_packages=tuple(views),
        introspected=tuple(entry for entry in _introspected(config) if entry not in introspected),
    )


def ungated(runtime: Runtime, plugin: str) -> list[str]:
    """Return what would exist even for organisations that have disabled the plugin, one sentence each."""
    found = registrations_of(runtime, plugin)
    own = runtime.plugins.of_package
    return [
        *(
            f"the view {name} is registered for the package {package} instead of the plugin's"
            for name, package in found.view_packages
            if own(package) != plugin
        ),
        *(
            f"the child {name!r} of {parent.__name__} is registered for another package"
            for (parent, name), child in found.children.items()
            if child.plugin != plugin
        ),
        *(
            f"{category}: {title} exists for every organisation"
            for category, title in found.introspected
            if category not in GATED
        ),
    ]


def addresses(registry: Any) -> dict[type[Resource], list[str]]:
    """Return the paths of each class of contexts, with ``{parameter}`` for an id."""
    found: dict[type[Resource], list[str]] = {}
    roots = (
        (ApiV1, "/{organisation}/api/v1"),
        (Webhooks, "/api/webhook"),
        (OrganisationNode, "/{organisation}"),
    )
    for root, path in roots:
        for node, address in _walk(registry, root, path, ()):
            found.setdefault(node, []).append(address)
    return found


def _walk(
    registry: Any, node: type[Resource], path: str, above: tuple[type[Resource], ...]
) -> Iterator[tuple[type[Resource], str]]:
    if node in above:
        return
    yield node, path
    for name, below in _below(registry, node):
        yield from _walk(registry, below, f"{path}/{name}", (*above, node))


def _below(registry: Any, node: type[Resource]) -> Iterable[tuple[str, type[Resource]]]:
    yield from ((name, child.factory) for name, child in children_of(registry, node).items())
    if issubclass(node, Collection):
        yield f"{{{node.parameter}}}", node.item
    if issubclass(node, WebhookProvider):
        yield "{organisation}", node.endpoint


def _recorder(views: list[tuple[str, str]]) -> Any:
    def record(view: Any, info: Any) -> Any:
        views.append(
            (getattr(info.original_view, "__qualname__", repr(info.original_view)), info.package.__name__)
        )
        return view

    return record


def _children(registry: Any) -> dict[tuple[type[Resource], str], Child]:
    return {
        (parent, name): child for parent, named in registry.children.items() for name, child in named.items()
    }


def _introspected(config: Configurator) -> list[tuple[str, str]]:
    return [
        (category, entry["introspectable"].title)
        for category, entries in config.introspector.categorized()
        for entry in entries
    ]
