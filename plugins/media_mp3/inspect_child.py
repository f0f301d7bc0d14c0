"""The inspection itself, run as a process of its own: ``python -I -m media_mp3.inspect_child PATH``.

It limits itself before it looks at the file, so that a malicious one ends this process and no other, and prints
the report as JSON. `inspection.inspect` starts it.
"""

from __future__ import annotations

import dataclasses
import json
import resource
import sys
from pathlib import Path
from typing import BinaryIO

from media_mp3.domain import Finding, Tags, TrackReport, finding
from media_mp3.mpeg import walk
from media_mp3.signatures import SNIFFED_BYTES, foreign_format
from media_mp3.tag_scan import TagScan, scan_tags

MEMORY_BYTES = 400 * 1024 * 1024
CPU_SECONDS = 60
"""Decoding takes about five seconds for an hour of music."""
_TEXT_LENGTH = 200


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
        return _refused(finding("empty_file"))
    with path.open("rb") as file:
        foreign = _foreign(file, 0)
        if foreign:
            return _refused(foreign)
        tags = scan_tags(file, size)
        if not tags.complete:
            return TrackReport(tags.findings)
        foreign = _foreign(file, tags.audio_start) if tags.audio_start else None
        if foreign:
            return _refused(*tags.findings, foreign)
        return _examine_audio(path, file, tags)


def _examine_audio(path: Path, file: BinaryIO, tags: TagScan) -> TrackReport:
    walked = walk(file, tags.audio_start, tags.audio_end)
    findings = (*tags.findings, *walked.findings)
    if walked.findings:
        return TrackReport(findings, walked.facts)
    from media_mp3.decode import decode  # loading the decoder takes longer than refusing most files

    decoded = decode(path, walked)
    findings += decoded.findings
    if findings:
        return TrackReport(findings, walked.facts)
    return TrackReport((), walked.facts, read_tags(file), decoded.peaks)


def read_tags(file: BinaryIO) -> Tags:
    """Read the tags of an accepted file. Tags that cannot be read are no reason to refuse it."""
    from tinytag import TinyTag, TinyTagException

    file.seek(0)
    try:
        read = TinyTag.get(file_obj=file, duration=False)
    except TinyTagException:
        return Tags()
    return Tags(
        title=_clean(read.title),
        artist=_clean(read.artist),
        album=_clean(read.album),
        album_artist=_clean(read.albumartist),
        genre=_clean(read.genre),
        year=_clean(read.year),
        track=read.track if isinstance(read.track, int) and 0 < read.track < 10_000 else None,
    )


def _clean(text: str | None) -> str | None:
    """Drop what does not print, which includes control characters and the marks that reverse a line."""
    printable = "".join(character for character in str(text or "")[:4096] if character.isprintable())
    return printable.strip()[:_TEXT_LENGTH].rstrip() or None


def _foreign(file: BinaryIO, position: int) -> Finding | None:
    file.seek(position)
    name = foreign_format(file.read(SNIFFED_BYTES))
    return finding("foreign_format", format=name, offset=position) if name else None


def _refused(*findings: Finding) -> TrackReport:
    return TrackReport(findings)


def main() -> None:
    """Inspect the file named by the one argument, and print the report."""
    limit_process()
    try:
        report = examine(Path(sys.argv[1]))
    except MemoryError:
        report = _refused(finding("inspection_limit", limit="memory"))
    json.dump(dataclasses.asdict(report), sys.stdout)


if __name__ == "__main__":
    main()
