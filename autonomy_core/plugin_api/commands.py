"""The command line, for plugins' commands: the context of a command, and output."""

from __future__ import annotations

from autonomy_core.cli.context import CliContext, json_option, pass_cli
from autonomy_core.cli.failures import Failure
from autonomy_core.cli.output import print_facts, print_json, print_line, print_rows
from autonomy_core.cli.webhooks import event_commands
from autonomy_core.tenancy.editing import EditError, TenantEditor, WrittenSettings

__all__ = [
    "CliContext",
    "EditError",
    "Failure",
    "TenantEditor",
    "WrittenSettings",
    "event_commands",
    "json_option",
    "pass_cli",
    "print_facts",
    "print_json",
    "print_line",
    "print_rows",
]
