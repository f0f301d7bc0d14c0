"""Every call of every plugin, attacked with what belongs to another organisation."""

from __future__ import annotations

from autonomy_core.testing.application import Autonomy
from autonomy_core.traversal.resources import Resource
from tests.isolation import http_attacks
from tests.isolation.sides import World

OF_THE_SERVER = {
    "autonomy_core.operations.health",
    "autonomy_core.operations.metrics",
    "autonomy_core.security.related_origins",
}
"""Modules whose views are about no organisation, or show only its hosts."""

ANOTHER_PROTOCOL = {"media_mp3.subsonic.views"}
"""Modules with views of a protocol of its own: `test_players` attacks them."""


def test_no_call_reads_or_changes_another_organisations_data(world: World) -> None:
    assert http_attacks.breaches(world) == []


def test_every_view_in_the_tree_is_attacked(autonomy: Autonomy) -> None:
    introspector = autonomy.app.app.registry.introspector
    views = [entry["introspectable"] for entry in introspector.get_category("views")]
    unknown = [
        f"{view['context'].__name__} {view['name']}: {view.title}"
        for view in views
        if isinstance(view["context"], type)
        and issubclass(view["context"], Resource)
        and not view.get("operation")
        # `tests/functional/pages/test_every_page.py` attacks every page.
        and not view.get("page")
        and view["callable"].__module__ not in OF_THE_SERVER | ANOTHER_PROTOCOL
    ]
    assert views
    assert unknown == []
