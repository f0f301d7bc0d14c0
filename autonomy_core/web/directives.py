"""The directive ``config.add_child``, which adds nodes to the resource tree."""

from __future__ import annotations

from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError

from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.traversal.resources import Child, Resource


def add_child(config: Configurator, parent: type[Resource], name: str, factory: type[Resource]) -> None:
    """Add a node to the resource tree.

    Args:
        config: the configurator of the plugin. The node exists only for organisations that have enabled the
            plugin.
        parent: the class of the parent nodes.
        name: the segment of the path.
        factory: the class of the child.

    Raises:
        PluginError: at start-up: the core or another plugin uses this name on this parent.
        ConfigurationError: parent or factory is no `Resource`.
    """
    for node in (parent, factory):
        if not (isinstance(node, type) and issubclass(node, Resource)):
            raise ConfigurationError(f"add_child({name!r}): {node!r} is not a Resource class")
    plugin = runtime_of(config.registry).plugins.of_package(config.package.__name__)

    def register() -> None:
        config.registry.children.setdefault(parent, {})[name] = Child(factory, plugin)

    config.action(("autonomy.child", parent, name), register)


def includeme(config: Configurator) -> None:
    """Register the directive."""
    config.registry.children = {}
    config.add_directive("add_child", add_child)
