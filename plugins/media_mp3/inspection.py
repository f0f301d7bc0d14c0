"""Inspects an uploaded file in a limited child process. Nothing in this process ever parses what was uploaded."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from media_mp3.domain import FINDINGS, AudioFacts, Finding, Tags, TrackReport, finding

logger = logging.getLogger(__name__)

TIMEOUT_S = 90.0
_LIMIT_SIGNALS = {-signal.SIGKILL: "memory", -signal.SIGXCPU: "processor time"}


def inspect(path: Path, *, timeout_s: float = TIMEOUT_S) -> TrackReport:
    """Say whether a file is an MP3 that plays everywhere, and what it contains.

    Args:
        path: the file; it is only read.
        timeout_s: seconds after which the inspection is given up.

    Returns:
        The report. Bad input, a crash and a time-out are findings, never exceptions.
    """
    # An empty environment: the process that parses untrusted input knows none of the server's secrets.
    command = [sys.executable, "-I", "-B", "-m", "media_mp3.inspect_child", str(path.resolve())]
    try:
        child = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, env={}, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        return TrackReport((finding("inspection_limit", limit="time"),))
    return _outcome(child, path.name)


def _outcome(child: subprocess.CompletedProcess[bytes], name: str) -> TrackReport:
    if child.returncode in _LIMIT_SIGNALS:
        return TrackReport((finding("inspection_limit", limit=_LIMIT_SIGNALS[child.returncode]),))
    if child.returncode != 0:
        logger.error(
            "The inspection of %s ended with %d: %s", name, child.returncode, _last_line(child.stderr)
        )
        return TrackReport((finding("inspection_failed"),))
    try:
        return read_report(child.stdout)
    except (ValueError, TypeError, KeyError, AttributeError):
        logger.exception("The inspection of %s printed no report", name)
        return TrackReport((finding("inspection_failed"),))


def read_report(output: bytes) -> TrackReport:
    """Read the report that the child printed.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it is none.
    """
    document: Mapping[str, Any] = json.loads(output)
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


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:300] if lines else "no message"
