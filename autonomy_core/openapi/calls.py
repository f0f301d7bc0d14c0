"""The paths of each operation: walks the resource tree by class, as a request walks it by name."""

from __future__ import annotations

from collections.abc import Collection as Names
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from autonomy_core.traversal.resources import (
    ApiV1,
    Collection,
    Resource,
    WebhookProvider,
    Webhooks,
    children_of,
)
from autonomy_core.web.operations import Operation

WEBHOOKS_PATH = "/api/webhook"

Parameters = tuple[tuple[str, dict[str, Any]], ...]
"""Pairs of a path parameter's name and its JSON schema."""

UUID_SCHEMA = {"type": "string", "format": "uuid"}


@dataclass(frozen=True, slots=True)
class Place:
    """A class of resources, and the path to it.

    Attributes:
        path: from the root of the API, or of the server for webhooks; ids are written as ``{parameter}``.
        lineage: the resource classes along the path, the place's own class last.
        parameters: the parameters of the path.
    """

    path: str
    lineage: tuple[type[Resource], ...]
    parameters: Parameters = ()

    @property
    def node(self) -> type[Resource]:
        """The class of the resources at this place."""
        return self.lineage[-1]

    def child(self, segment: str, node: type[Resource]) -> Place:
        """Return the place one path segment below."""
        return Place(f"{self.path}/{segment}", (*self.lineage, node), self.parameters)

    def item(self, name: str, node: type[Resource], schema: dict[str, Any]) -> Place:
        """Return the place one identifier below."""
        path = f"{self.path}/{{{name}}}"
        return Place(path, (*self.lineage, node), (*self.parameters, (name, schema)))


@dataclass(frozen=True, slots=True)
class Call:
    """An operation at a place."""

    operation: Operation
    place: Place

    @property
    def path(self) -> str:
        """The path template, including the view's name."""
        return f"{self.place.path}/{self.operation.name}" if self.operation.name else self.place.path

    @property
    def is_webhook(self) -> bool:
        """Whether the path begins at the root of the server instead of the root of the API."""
        return self.place.lineage[0] is Webhooks


def calls_of(registry: Any, enabled: Names[str]) -> Iterator[Call]:
    """Yield the calls that are possible with a set of enabled plugins, in the order of the tree.

    Args:
        registry: Pyramid's registry, with the registered operations and children.
        enabled: the names of the enabled plugins.
    """
    offered = [one for one in registry.operations if one.plugin is None or one.plugin in enabled]
    for root in (Place("", (ApiV1,)), Place(WEBHOOKS_PATH, (Webhooks,))):
        for place in _places(registry, enabled, root):
            for operation in _operations_at(place.node, offered):
                yield Call(operation, place)


def _places(registry: Any, enabled: Names[str], place: Place) -> Iterator[Place]:
    yield place
    for below in _below(registry, enabled, place):
        # Skip a class below itself, which would recurse endlessly.
        if below.node not in place.lineage:
            yield from _places(registry, enabled, below)


def _below(registry: Any, enabled: Names[str], place: Place) -> Iterator[Place]:
    for name, child in children_of(registry, place.node).items():
        if child.plugin is None or child.plugin in enabled:
            yield place.child(name, child.factory)
    if issubclass(place.node, Collection):
        schema = place.node.identifier or UUID_SCHEMA
        yield place.item(place.node.parameter, place.node.item, dict(schema))
    if issubclass(place.node, WebhookProvider):
        yield place.item("organisation_id", place.node.endpoint, {"type": "string"})


def _operations_at(node: type[Resource], offered: list[Operation]) -> list[Operation]:
    """Return a node's operations, each with its own method and name.

    Of several with the same method and name, choose the one of the most specific class, as Pyramid does.
    """
    chosen: dict[tuple[str, str], Operation] = {}
    for operation in offered:
        if issubclass(node, operation.context):
            key = (operation.name, operation.method)
            rival = chosen.get(key)
            if rival is None or issubclass(operation.context, rival.context):
                chosen[key] = operation
    return list(chosen.values())
