"""pluggy's markers for this project."""

from __future__ import annotations

from dataclasses import dataclass

import pluggy
from marshmallow import Schema

__all__ = ["PluginSettings", "hookimpl"]

PROJECT = "autonomy"
"""The name of the pluggy project."""

ENTRY_POINT_GROUP = "autonomy.plugins"
"""The entry point group. Each entry point names the module with a plugin's implementations."""

hookspec = pluggy.HookspecMarker(PROJECT)
"""Marks a hook's specification. Only the core uses it."""

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a plugin's implementation. The function's name is the name of the hook."""


@dataclass(frozen=True, slots=True)
class PluginSettings:
    """The settings of a plugin.

    Attributes:
        organisation: the schema of the section ``[<plugin>]`` in organisations' ini files; None for no
            settings.
        server: the schema of the keys ``<plugin>.…`` in the server's ini file; None for no settings.
    """

    organisation: type[Schema] | None = None
    server: type[Schema] | None = None

    def __post_init__(self) -> None:
        for what, schema in (("organisation", self.organisation), ("server", self.server)):
            if schema is not None and not (isinstance(schema, type) and issubclass(schema, Schema)):
                raise TypeError(f"PluginSettings: {what}={schema!r}; give a subclass of SettingsSchema")
