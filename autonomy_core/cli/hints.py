"""The commands that messages name, such as ``run: autonomy migrate``, with the ini file that was given."""

from __future__ import annotations

import re
import shlex

import click
from click.core import ParameterSource

_HINT = re.compile(r"(?<![\w./-])autonomy (?P<command>[a-z]+)\b")


def addressed(message: str) -> str:
    """Return a message whose commands have the ``--config`` of the running command.

    Without it, a command that is copied from the message would read ``$AUTONOMY_CONFIG`` or
    ``./development.ini``, which may belong to another installation. Services have no path of the ini file, so
    the command line completes their messages.

    Args:
        message: the message, with commands as in ``run: autonomy tenants accept``.
    """
    root = click.get_current_context().find_root()
    group = root.command
    if root.get_parameter_source("config") is not ParameterSource.COMMANDLINE:
        return message
    option = f"--config {shlex.quote(str(root.params['config']))}"

    def complete(hint: re.Match[str]) -> str:
        name = hint["command"]
        known = isinstance(group, click.Group) and group.get_command(root, name) is not None
        return f"autonomy {option} {name}" if known else hint[0]

    return _HINT.sub(complete, message)
