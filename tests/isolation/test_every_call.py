"""Every call of every plugin, attacked with what belongs to another organisation."""

from __future__ import annotations

from autonomy_core.traversal.resources import Resource
from tests.isolation import http_attacks
from tests.isolation.sides import World

OF_THE_SERVER = {"autonomy_core.operations.health", "autonomy_core.operations.metrics"}
"""Modules whose views are about no organisation."""


def test_no_call_gives_or_takes_anything_of_another_organisation(world: World) -> None:
    assert http_attacks.breaches(world) == []


def test_every_view_in_the_tree_is_an_operation_and_thereby_attacked(world: World) -> None:
    introspector = world.autonomy.app.app.registry.introspector
    views = [entry["introspectable"] for entry in introspector.get_category("views")]
    unknown = [
        f"{view['context'].__name__} {view['name']}: {view.title}"
        for view in views
        if isinstance(view["context"], type)
        and issubclass(view["context"], Resource)
        and not view.get("operation")
        and view["callable"].__module__ not in OF_THE_SERVER
    ]
    assert views
    assert unknown == []
