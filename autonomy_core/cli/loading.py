"""Creates the objects of `CliContext`. Imported on first use, because it imports the whole core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autonomy_core.cli.records import organisation_without_file
from autonomy_core.kernel.hooks import PluginSettings
from autonomy_core.kernel.manager import Plugins
from autonomy_core.mail.registrations import mail_checks_of
from autonomy_core.operations.logging import configure_logging
from autonomy_core.registrations import mail_templates_of
from autonomy_core.runtime import make_runtime
from autonomy_core.settings import Settings, load_settings, rules_of
from autonomy_core.tenancy.editing import TenantEditor

__all__ = [
    "Plugins",
    "TenantEditor",
    "checked_settings",
    "mail_checks_of",
    "mail_templates_of",
    "make_runtime",
    "offered_settings",
    "organisation_without_file",
    "rules_of",
]


def offered_settings(plugins: Plugins) -> dict[str, PluginSettings]:
    """Return the settings schemas of each plugin."""
    offered = {name: PluginSettings() for name in plugins.names}
    return offered | dict(plugins.registered("register_settings"))


def checked_settings(
    raw: Mapping[str, Any], offered: Mapping[str, PluginSettings], *, keep_secret: bool
) -> Settings:
    """Return the validated settings of the server, and log warnings from here on, in the configured format.

    Args:
        raw: the keys of ``[app:main]``.
        offered: the settings schemas of each plugin.
        keep_secret: whether to generate a missing secret.

    Raises:
        SettingsError: with every problem.
    """
    schemas = {name: of_plugin.server for name, of_plugin in offered.items()}
    loaded = load_settings(raw, schemas, keep_secret=keep_secret)
    configure_logging(loaded.log_format, "warning")
    return loaded
