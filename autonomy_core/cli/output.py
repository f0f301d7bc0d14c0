"""Lists, for people as a table and for machines as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_rows(rows: Sequence[Mapping[str, Any]], *, as_json: bool, nothing: str) -> None:
    """Print rows that all have the same keys.

    Args:
        nothing: what to say to people when there are none.
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


def print_lines(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows that all have the same keys, a line each: where the last cell is long, a table would break it up."""
    cells = [[_cell(value) for value in row.values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def print_facts(facts: Mapping[str, Any]) -> None:
    """Print names and values, a line each."""
    width = max(map(len, facts))
    for name, value in facts.items():
        click.echo(f"{name:<{width}}  {_cell(value)}")


def print_json(value: Any) -> None:
    """Print anything as JSON; times as RFC 3339 in UTC, ids as text."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=_text))


def _console() -> Console:
    console = Console()
    # Cut off in a file or a pipe, a table would be of no use to grep.
    return console if console.is_terminal else Console(width=240)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return ", ".join(map(_text, value)) if isinstance(value, list | tuple) else _text(value)


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return str(value)
