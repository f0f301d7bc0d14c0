"""Finds plugins that replace views or nodes of the core or of other plugins; names plugins in conflicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyramid.config import Configurator


@dataclass(frozen=True, slots=True)
class OfPlugin:
    """The place where a plugin registered something, as Pyramid's messages show it."""

    plugin: str
    info: Any

    def __str__(self) -> str:
        return f"plugin {self.plugin}: {self.info}"


@dataclass(frozen=True, slots=True)
class _View:
    plugin: str | None
    context: type
    name: str
    methods: frozenset[str]

    def __str__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        return f"{'/'.join(sorted(self.methods)) or 'any method'} of {self.context.__name__}{name}"


def sign_actions(config: Configurator, plugin: str, since: int) -> None:
    """Add a plugin's name to the actions that it has registered, for messages about conflicts.

    Args:
        config: the configurator.
        plugin: the name of the plugin.
        since: the number of actions before.
    """
    for action in config.action_state.actions[since:]:
        action["info"] = OfPlugin(plugin, action["info"])


def overrides(config: Configurator) -> list[str]:
    """Views and nodes of plugins that replace those of the core or of another plugin, one sentence each.

    Call it after the configuration is committed. Pyramid reports no conflict if views differ in a predicate,
    or if a node has the name of a view.
    """
    views = list(_views(config))
    return [*_overriding_views(views), *_hiding_nodes(config.registry.children, views)]


def _views(config: Configurator) -> Iterator[_View]:
    for entry in config.introspector.get_category("views") or ():
        view = entry["introspectable"]
        if isinstance(view["context"], type):
            info = view.action_info
            plugin = info.plugin if isinstance(info, OfPlugin) else None
            yield _View(plugin, view["context"], view["name"] or "", _methods(view["request_methods"]))


def _methods(found: Sequence[str] | str | None) -> frozenset[str]:
    if found is None:
        return frozenset()
    return frozenset({found} if isinstance(found, str) else found)


def _overriding_views(views: Sequence[_View]) -> Iterator[str]:
    for own in views:
        for other in views:
            if own.plugin not in {None, other.plugin} and _takes_place(own, other):
                yield f"plugin {own.plugin}: its view for {own} takes the place of {_owner(other.plugin)}'s"


def _takes_place(own: _View, other: _View) -> bool:
    """Whether one view would get the other's requests: a plugin's context class may derive from another."""
    same_methods = not own.methods or not other.methods or bool(own.methods & other.methods)
    not_its_own = own.context is other.context or (
        issubclass(own.context, other.context) and own.context.__module__.startswith("autonomy_core.")
    )
    return own.name == other.name and same_methods and not_its_own


def _hiding_nodes(children: Any, views: Sequence[_View]) -> Iterator[str]:
    for parent, named in children.items():
        for name, child in named.items():
            for view in views:
                hides = view.name == name and issubclass(parent, view.context)
                if hides and child.plugin not in {None, view.plugin}:
                    yield (
                        f"plugin {child.plugin}: its node {name!r} below {parent.__name__} hides "
                        f"{_owner(view.plugin)}'s view {view}"
                    )


def _owner(plugin: str | None) -> str:
    return "the core" if plugin is None else f"plugin {plugin}"
