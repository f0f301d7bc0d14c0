"""Compares the length of the audio with what the file declares, and with what players make of it."""

from __future__ import annotations

from collections.abc import Iterator

from media_mp3.domain import Finding, finding
from media_mp3.mpeg.frames import Walk

FEWEST_FRAMES = 2
"""Chromium does not open a file of one frame."""
_TOLERATED_FRAMES = 1
"""Encoders disagree on whether they count the frame of the header itself."""
_TOLERATED_BYTES = 4096


def length_findings(walked: Walk, available: int, around: int) -> Iterator[Finding]:
    """Yield the findings about the length of walked audio.

    Args:
        walked: the frames.
        available: bytes between the tags.
        around: bytes of the file that are not audio, except the tags before the audio, which players skip.
    """
    mismatch = _mismatch(walked, available)
    if walked.cut is not None:
        offset, missing = walked.cut
        code = "truncated" if mismatch and _declares_more(walked, mismatch) else "last_frame_short"
        yield finding(code, offset=offset, missing=missing)
    if mismatch:
        yield mismatch
    if walked.frames < FEWEST_FRAMES:
        yield finding("too_short", frames=walked.frames)
    yield from _misread(walked, around)


def _mismatch(walked: Walk, available: int) -> Finding | None:
    """Compare the Xing, Info or VBRI header with the frames. An incomplete last frame counts as one."""
    claim, frames = walked.length_header, walked.frames + (walked.cut is not None)
    if claim is None:
        return None
    if claim.frames is not None and abs(claim.frames - frames) > _TOLERATED_FRAMES:
        return finding("xing_mismatch", declared_frames=claim.frames, frames=frames)
    if claim.size is not None and claim.size > available + _TOLERATED_BYTES:
        return finding("xing_mismatch", declared_bytes=claim.size, bytes=available)
    return None


def _declares_more(walked: Walk, mismatch: Finding) -> bool:
    declared_frames = mismatch.detail.get("declared_frames")
    return declared_frames is None or int(declared_frames) > walked.frames


def _misread(walked: Walk, around: int) -> Iterator[Finding]:
    """Find a duration that players compute wrongly.

    Without a header that counts the frames, Chromium divides the size by the bitrate of the first frames. It
    also does so if the file is larger by a sixteenth than the header declares (libavformat, mp3dec.c).
    """
    facts = walked.facts
    if facts is None:
        return
    counted = walked.length_header is not None and walked.length_header.frames is not None
    if facts.vbr and not counted:
        reason = "variable bitrate without a Xing header"
        yield finding("duration_misread", reason=reason, actual_ms=facts.duration_ms)
    elif around * (16 if counted else 50) > around + walked.frame_bytes:
        yield finding("duration_misread", bytes_around_audio=around, actual_ms=facts.duration_ms)
