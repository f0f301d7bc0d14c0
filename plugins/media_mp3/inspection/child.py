"""The inspection itself. `reports.inspect` runs `inspect_file` in a limited child process.

This module and what it imports are loaded for each upload, so they import nothing large.
"""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from media_mp3.domain import AudioFacts, Finding, Tags, TrackReport, finding, refusals, warnings
from media_mp3.inspection.signatures import SNIFFED_BYTES, foreign_format
from media_mp3.masters import dispatch, flac
from media_mp3.masters.container import Container, merged, tags_of
from media_mp3.masters.dispatch import FLAC, container_of
from media_mp3.mpeg.frames import walk
from media_mp3.mpeg.length import length_findings
from media_mp3.tags.scan import Tag, TagScan, scan_tags
from media_mp3.tags.text import TextReader

TAG_SECONDS = 1.0
"""Of processor time; the largest tags take a tenth of it."""


def inspect_file(path: Path) -> dict[str, Any]:
    """Inspect a file. Returns a `TrackReport` as JSON can express it.

    Raises:
        OSError, MemoryError: see `examine`.
    """
    return dataclasses.asdict(examine(path))


def examine(path: Path) -> TrackReport:
    """Run the five steps on one file. The server calls `reports.inspect`, which runs them in the child.

    Raises:
        OSError: the file cannot be read.
        MemoryError: the file makes the inspection need more than it may have.
    """
    size = path.stat().st_size
    if size == 0:
        return _report([finding("empty_file")])
    with path.open("rb") as file:
        head = _head(file, 0)
        parse = container_of(head)
        if parse is not None:
            return _examine_master(path, file, parse(file, size))
        if (foreign := _foreign(head, 0)) is not None:
            return _report([foreign])
        return _examine_behind_tags(path, file, scan_tags(file, size))


def _examine_behind_tags(path: Path, file: BinaryIO, scan: TagScan) -> TrackReport:
    if not scan.complete:
        return _report(scan.findings)
    head = _head(file, scan.audio_start)
    if head.startswith(FLAC):
        stream = flac.parse(file, scan.audio_start, scan.audio_end)
        stream.findings[:0] = scan.findings
        stream.id3 += scan.tags
        return _examine_master(path, file, stream)
    foreign = _foreign(head, scan.audio_start) if scan.audio_start else None
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
    from media_mp3.mpeg.decode import decode  # noqa: PLC0415 - the decoder loads slowly

    decoded = decode(path, walked)
    found += decoded.findings
    if refusals(found):
        return _report(found, walked.facts)
    tags, incomplete = read_tags(file, scan.tags)
    return _report(found + incomplete, walked.facts, tags, decoded.peaks)


def _examine_master(path: Path, file: BinaryIO, container: Container) -> TrackReport:
    if refusals(container.findings):
        return _report(container.findings)
    decoded, samples = dispatch.decode(path, file, container)
    found = [*container.findings, *decoded.findings]
    if refusals(found):
        return _report(found)
    from_id3, incomplete = read_tags(file, tuple(container.id3))
    if container.skipped:
        incomplete.append(
            finding("tags_incomplete", reason="too long", fields=", ".join(container.skipped[:10]))
        )
    return _report(
        found + container.shape_warnings() + incomplete[:1],
        container.facts(samples),
        merged(tags_of(container.texts), from_id3),
        decoded.peaks,
    )


def read_tags(
    file: BinaryIO, tags: tuple[Tag, ...], seconds: float = TAG_SECONDS
) -> tuple[Tags, list[Finding]]:
    """Read the texts of an accepted file, and give a warning where some were left out.

    Tags that cannot be read within ``seconds`` of processor time are no reason to refuse the file.
    """
    reader = TextReader(file)
    try:
        with processor_time(seconds):
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


def _head(file: BinaryIO, position: int) -> bytes:
    file.seek(position)
    return file.read(SNIFFED_BYTES)


def _foreign(head: bytes, position: int) -> Finding | None:
    if head.startswith(FLAC) and position == 0:
        return None
    name = foreign_format(head)
    return finding("foreign_format", format=name, offset=position) if name else None


def _report(
    found: Sequence[Finding],
    facts: AudioFacts | None = None,
    tags: Tags | None = None,
    peaks: tuple[int, ...] = (),
) -> TrackReport:
    return TrackReport(refusals(found), facts, tags or Tags(), peaks, warnings(found))
