"""Output of lists: as a table for people, and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autonomy_core.cli.hints import addressed


def print_rows(rows: Sequence[Mapping[str, Any]], *, as_json: bool, nothing: str) -> None:
    """Print rows that all have the same keys.

    Args:
        rows: the rows.
        as_json: print JSON instead of a table.
        nothing: the text for people if there are no rows.
    """
    if as_json:
        print_json(rows)
    elif not rows:
        click.echo(nothing)
    else:
        table = Table(*rows[0])
        for row in rows:
            table.add_row(*(Text(_cell(value)) for value in row.values()))
        _console().print(table)


def print_line(line: str, *, err: bool = False) -> None:
    """Print one line. Commands that it names get the ``--config`` of the running command.

    Args:
        line: the line, with commands as in ``run: autonomy tenants accept``.
        err: print it on standard error.
    """
    click.echo(addressed(line), err=err)


def print_lines(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows with the same keys, one line each.

    A table would break a long last cell into several lines.
    """
    cells = [[_cell(value) for value in row.values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def print_facts(facts: Mapping[str, Any]) -> None:
    """Print names and values, one line each."""
    width = max(map(len, facts))
    for name, value in facts.items():
        click.echo(f"{name:<{width}}  {_cell(value)}")


def print_json(value: Any) -> None:
    """Print a value as JSON, with times as RFC 3339 in UTC and ids as text."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=_text))


def _console() -> Console:
    console = Console()
    # Do not truncate lines in a file or a pipe, so that grep finds everything.
    return console if console.is_terminal else Console(width=240)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return ", ".join(map(_text, value)) if isinstance(value, list | tuple) else _text(value)


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return str(value)
