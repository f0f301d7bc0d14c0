"""Inspects an uploaded file in a limited child process. The server process itself never parses an upload."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autonomy_core.plugin_api.files import ChildFailed, LimitReached, Limits, run_limited
from media_mp3.domain import FINDINGS, AudioFacts, Finding, Tags, TrackReport, finding

logger = logging.getLogger(__name__)

LIMITS = Limits(cpu_s=60, memory_bytes=400 * 1024 * 1024, wall_s=90.0)
"""To decode an hour of music takes about five seconds."""


def inspect(path: Path, *, limits: Limits = LIMITS) -> TrackReport:
    """Find out whether a file is a recording that plays everywhere, and what it contains.

    Args:
        path: the file; it is only read.
        limits: of the child process.

    Returns:
        The report. Bad input, a crash and a reached limit are findings, never exceptions.
    """
    try:
        return read_report(run_limited("media_mp3.inspection.child:inspect_file", path, limits))
    except LimitReached as error:
        return TrackReport((finding("inspection_limit", limit=error.limit),))
    except ChildFailed as error:
        logger.error("The inspection of %s %s", path.name, error)  # noqa: TRY400
    except (ValueError, TypeError, KeyError, AttributeError):
        logger.exception("The inspection of %s gave no report", path.name)
    return TrackReport((finding("inspection_failed"),))


def read_report(document: Mapping[str, Any]) -> TrackReport:
    """Read the report that `child.inspect_file` returned.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it is not a report.
    """
    findings, warnings = (
        tuple(Finding(**item) for item in document[name]) for name in ("findings", "warnings")
    )
    if unknown := {item.code for item in findings + warnings} - set(FINDINGS):
        raise ValueError(f"unknown finding codes: {sorted(unknown)}")
    facts = document["facts"]
    return TrackReport(
        findings=findings,
        facts=AudioFacts(**facts) if facts is not None else None,
        tags=Tags(**document["tags"]),
        peaks=tuple(bytes(document["peaks"])),
        warnings=warnings,
    )
