"""The markers of pluggy, under the project's name."""

from __future__ import annotations

from dataclasses import dataclass

import pluggy
from marshmallow import Schema

__all__ = ["PluginSettings", "hookimpl"]

PROJECT = "autonomy"
"""The name of the pluggy project."""

ENTRY_POINT_GROUP = "autonomy.plugins"
"""The group in which a distribution names the module that holds its implementations."""

hookspec = pluggy.HookspecMarker(PROJECT)
"""Marks a hook's specification; for the core."""

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a plugin's implementation of the hook that the function is named after."""


@dataclass(frozen=True, slots=True)
class PluginSettings:
    """The settings that a plugin takes.

    Attributes:
        organisation: the schema of the section ``[<plugin>]`` in an organisation's ini file, or None when
            the plugin has nothing to set there.
        server: the schema of the keys ``<plugin>.…`` in the server's ini file, or None.
    """

    organisation: type[Schema] | None = None
    server: type[Schema] | None = None

    def __post_init__(self) -> None:
        for what, schema in (("organisation", self.organisation), ("server", self.server)):
            if schema is not None and not (isinstance(schema, type) and issubclass(schema, Schema)):
                raise TypeError(f"PluginSettings: {what}={schema!r}; give a subclass of SettingsSchema")
