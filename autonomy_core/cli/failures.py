"""The error that ends a command with one message and an exit status."""

from __future__ import annotations

import click


class Failure(click.ClickException):
    """One message on standard error.

    Args:
        message: the problem and the remedy.
        exit_code: 2 for a problem in a file or on the command line, otherwise 1.
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]
