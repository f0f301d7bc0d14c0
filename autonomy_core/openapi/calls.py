"""Where each operation can be called: the tree, walked by class as a request walks it by name."""

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
    """A kind of node, and how a request gets there.

    Attributes:
        path: from the root of the API, or for webhooks from the root of the server; ids as ``{parameter}``.
        lineage: the classes of the nodes on the way, the place's own last.
        parameters: those of the path.
    """

    path: str
    lineage: tuple[type[Resource], ...]
    parameters: Parameters = ()

    @property
    def node(self) -> type[Resource]:
        """The class of the nodes at this place."""
        return self.lineage[-1]

    def child(self, segment: str, node: type[Resource]) -> Place:
        """The place a segment further."""
        return Place(f"{self.path}/{segment}", (*self.lineage, node), self.parameters)

    def item(self, name: str, node: type[Resource], schema: dict[str, Any]) -> Place:
        """The place an identifier further."""
        path = f"{self.path}/{{{name}}}"
        return Place(path, (*self.lineage, node), (*self.parameters, (name, schema)))


@dataclass(frozen=True, slots=True)
class Call:
    """An operation at a place."""

    operation: Operation
    place: Place

    @property
    def path(self) -> str:
        """The path template, the view's name included."""
        return f"{self.place.path}/{self.operation.name}" if self.operation.name else self.place.path

    @property
    def is_webhook(self) -> bool:
        """Whether the path begins at the root of the server and not at that of the API."""
        return self.place.lineage[0] is Webhooks


def calls_of(registry: Any, enabled: Names[str]) -> Iterator[Call]:
    """All that can be called where these plugins are enabled, in the order of the tree.

    Args:
        registry: Pyramid's, with the operations and the children that have been registered.
        enabled: names of plugins; what belongs to another is left out.
    """
    offered = [one for one in registry.operations if one.plugin is None or one.plugin in enabled]
    for root in (Place("", (ApiV1,)), Place(WEBHOOKS_PATH, (Webhooks,))):
        for place in _places(registry, enabled, root):
            for operation in _operations_at(place.node, offered):
                yield Call(operation, place)


def _places(registry: Any, enabled: Names[str], place: Place) -> Iterator[Place]:
    yield place
    for below in _below(registry, enabled, place):
        # A class below itself would be walked for ever.
        if below.node not in place.lineage:
            yield from _places(registry, enabled, below)


def _below(registry: Any, enabled: Names[str], place: Place) -> Iterator[Place]:
    for name, child in children_of(registry, place.node).items():
        if child.plugin is None or child.plugin in enabled:
            yield place.child(name, child.factory)
    if issubclass(place.node, Collection):
        yield place.item(place.node.parameter, place.node.item, UUID_SCHEMA)
    if issubclass(place.node, WebhookProvider):
        yield place.item("organisation_id", place.node.endpoint, {"type": "string"})


def _operations_at(node: type[Resource], offered: list[Operation]) -> list[Operation]:
    """Of several operations for one method and name, the one for the most specific class, as Pyramid decides."""
    chosen: dict[tuple[str, str], Operation] = {}
    for operation in offered:
        if issubclass(node, operation.context):
            key = (operation.name, operation.method)
            rival = chosen.get(key)
            if rival is None or issubclass(operation.context, rival.context):
                chosen[key] = operation
    return list(chosen.values())
