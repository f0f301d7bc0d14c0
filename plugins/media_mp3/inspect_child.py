"""The inspection itself, run as a process of its own: ``python -I -m media_mp3.inspect_child PATH``.

It limits itself before it looks at the file, so that a malicious one ends this process and no other, and prints
the report as JSON. `inspection.inspect` starts it.
"""

from __future__ import annotations

import dataclasses
import json
import resource
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from media_mp3.domain import AudioFacts, Finding, Tags, TrackReport, finding, refusals, warnings
from media_mp3.mpeg import walk
from media_mp3.mpeg_length import length_findings
from media_mp3.signatures import SNIFFED_BYTES, foreign_format
from media_mp3.tag_scan import Tag, TagScan, scan_tags
from media_mp3.tag_text import TextReader

MEMORY_BYTES = 400 * 1024 * 1024
CPU_SECONDS = 60
"""Decoding takes about five seconds for an hour of music."""
TAG_SECONDS = 1.0
"""Of processor time; the largest tags take a tenth of it."""


def limit_process() -> None:
    """Bound memory and processor time, and forbid writing files and dumping core."""
    for kind, most, beyond in (
        (resource.RLIMIT_AS, MEMORY_BYTES, 0),
        # The system says why it ends a process at the soft limit; at the hard one it looks like lack of memory.
        (resource.RLIMIT_CPU, CPU_SECONDS, 1),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        bound = most + beyond if hard == resource.RLIM_INFINITY else min(most + beyond, hard)
        resource.setrlimit(kind, (min(most, bound), bound))


def examine(path: Path) -> TrackReport:
    """Run the five steps on one file. Only the parent process should be asked for this: see `inspection.inspect`.

    Raises:
        OSError: the file cannot be read.
        MemoryError: the file makes the inspection need more than it may have.
    """
    size = path.stat().st_size
    if size == 0:
        return _report([finding("empty_file")])
    with path.open("rb") as file:
        foreign = _foreign(file, 0)
        if foreign:
            return _report([foreign])
        scan = scan_tags(file, size)
        if not scan.complete:
            return _report(scan.findings)
        foreign = _foreign(file, scan.audio_start) if scan.audio_start else None
        if foreign:
            return _report([*scan.findings, foreign])
        return _examine_audio(path, file, scan)


def _examine_audio(path: Path, file: BinaryIO, scan: TagScan) -> TrackReport:
    walked = walk(file, scan.audio_start, scan.audio_end)
    found = [*scan.findings, *walked.findings]
    if walked.frames:
        around = path.stat().st_size - scan.audio_start - walked.frame_bytes - walked.header_bytes
        found += length_findings(walked, scan.audio_end - scan.audio_start, around)
    if refusals(found[len(scan.findings) :]):
        return _report(found, walked.facts)
    from media_mp3.decode import decode  # noqa: PLC0415 - the decoder loads slowly

    decoded = decode(path, walked)
    found += decoded.findings
    if refusals(found):
        return _report(found, walked.facts)
    tags, incomplete = read_tags(file, scan.tags)
    return _report(found + incomplete, walked.facts, tags, decoded.peaks)


def read_tags(file: BinaryIO, tags: tuple[Tag, ...]) -> tuple[Tags, list[Finding]]:
    """Read the texts of an accepted file, and give a warning where some were left out.

    Tags that cannot be read within `TAG_SECONDS` of processor time are no reason to refuse the file.
    """
    reader = TextReader(file)
    try:
        with processor_time(TAG_SECONDS):
            read = reader.read(tags)
    except OverBudget:
        return Tags(), [finding("tags_incomplete", reason="they take too long to read")]
    except (ValueError, IndexError, MemoryError) as error:
        return Tags(), [finding("tags_incomplete", reason=f"they cannot be read: {type(error).__name__}")]
    if reader.skipped:
        return read, [finding("tags_incomplete", reason="too long", fields=", ".join(reader.skipped[:10]))]
    return read, []


class OverBudget(Exception):
    """The processor time that was given is used up."""


@contextmanager
def processor_time(seconds: float) -> Iterator[None]:
    """Give a block so much processor time. Of one process and its main thread, which this one has alone.

    Raises:
        OverBudget: the block takes longer.
    """

    def stop(*_: object) -> None:
        raise OverBudget

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _foreign(file: BinaryIO, position: int) -> Finding | None:
    file.seek(position)
    name = foreign_format(file.read(SNIFFED_BYTES))
    return finding("foreign_format", format=name, offset=position) if name else None


def _report(
    found: Sequence[Finding],
    facts: AudioFacts | None = None,
    tags: Tags | None = None,
    peaks: tuple[int, ...] = (),
) -> TrackReport:
    return TrackReport(refusals(found), facts, tags or Tags(), peaks, warnings(found))


def main() -> None:
    """Inspect the file named by the one argument, and print the report."""
    limit_process()
    try:
        report = examine(Path(sys.argv[1]))
    except MemoryError:
        report = _report([finding("inspection_limit", limit="memory")])
    json.dump(dataclasses.asdict(report), sys.stdout)


if __name__ == "__main__":
    main()
