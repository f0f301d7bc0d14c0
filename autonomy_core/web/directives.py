"""``config.add_child``: how nodes come into the tree."""

from __future__ import annotations

from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError

from autonomy_core.traversal.resources import Child, Resource


def add_child(config: Configurator, parent: type[Resource], name: str, factory: type[Resource]) -> None:
    """Hang a node into the tree.

    Args:
        config: of the plugin that hangs it; the node is there only where that plugin is enabled.
        parent: the class of the nodes that get the child.
        name: the segment of the path.
        factory: the class of the child.

    Raises:
        PluginError: (at start-up) the core or another plugin wants this name on this parent.
        ConfigurationError: parent or factory is no `Resource`.
    """
    for node in (parent, factory):
        if not (isinstance(node, type) and issubclass(node, Resource)):
            raise ConfigurationError(f"add_child({name!r}): {node!r} is not a Resource class")
    plugin = config.registry.runtime.plugins.of_package(config.package.__name__)

    def register() -> None:
        config.registry.children.setdefault(parent, {})[name] = Child(factory, plugin)

    config.action(("autonomy.child", parent, name), register)


def includeme(config: Configurator) -> None:
    """Make the directive known."""
    config.registry.children = {}
    config.add_directive("add_child", add_child)
