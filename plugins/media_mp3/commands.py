"""``autonomy media``: inspects a file without an upload."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from media_mp3.domain import FINDINGS, TrackReport, describe
from media_mp3.inspection.reports import inspect as inspect_file


@click.group()
def media() -> None:
    """Look at recordings as an upload would be looked at."""


@media.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Write JSON for machines.")
def inspect(file: Path, *, as_json: bool) -> None:
    """Inspect FILE just as an upload is inspected. Exit status 1 if it would be refused."""
    report = inspect_file(file)
    click.echo(_json(report) if as_json else _text(report))
    sys.exit(0 if report.accepted else 1)


def _json(report: TrackReport) -> str:
    document = {
        "accepted": report.accepted,
        "findings": [describe(finding) for finding in report.findings],
        "warnings": [describe(warning) for warning in report.warnings],
        "facts": asdict(report.facts) if report.facts else None,
        "tags": asdict(report.tags),
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _text(report: TrackReport) -> str:
    lines = ["accepted" if report.accepted else "refused"]
    for finding in (*report.findings, *report.warnings):
        lines += ["", finding.code, f"  {finding.message}"]
        lines += [f"  {name}: {value}" for name, value in finding.detail.items()]
        lines += [f"  What to do: {FINDINGS[finding.code].remedy}"]
    if report.facts:
        lines += _section("facts", asdict(report.facts))
    return "\n".join(lines + _section("tags", asdict(report.tags)))


def _section(title: str, values: dict[str, Any]) -> list[str]:
    known = [f"  {name}: {value}" for name, value in values.items() if value is not None]
    return ["", title, *known] if known else []
