"""``python -m tests.faults.odd_files``: inspect hundreds of odd and damaged files, and ask other players.

Odd files are what encoders can make. Damaged files are such files with changed, missing or additional bytes.
Each is inspected in the limited child, as an upload is. What is refused although ffmpeg and Chromium play it
whole is listed, to be looked at.
"""

import argparse
import base64
import random
import resource
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from itertools import product, zip_longest
from pathlib import Path

from autonomy_core.media.ffmpeg import find_ffmpeg
from media_mp3.domain import FINDINGS
from media_mp3.inspection.reports import inspect
from tests.support.chromium import CHROMIUM, chromium
from tests.unit.media_mp3 import masters, material

MOST_CPU_S = 5.0
UNEXPLAINED = {"inspection_failed", "inspection_limit"}
SHARE = 0.99
"""What a player has to play of the undamaged file, so that it plays it whole."""

RATE = 44_100

ENCODERS = {
    ".mp3": [
        *(("-ar", rate, "-b:a", "64k") for rate in ("22050", "32000", "44100", "48000")),
        *(("-ar", rate, "-b:a", "128k") for rate in ("22050", "32000", "44100", "48000")),
        *(("-ac", "1", "-b:a", kbit) for kbit in ("32k", "96k", "160k")),
        *(("-q:a", quality, *more) for quality, more in product("0369", ((), ("-reservoir", "0")))),
        ("-b:a", "320k", "-joint_stereo", "0"), ("-b:a", "320k", "-write_xing", "0"), ("-id3v2_version", "4"),
        *(("-b:a", "192k", "-write_id3v1", "1", *more) for more in ((), ("-abr", "1"))),
    ],
    ".wav": [
        *(("-c:a", f"pcm_{kind}") for kind in ("u8", "s16le", "s24le", "s32le", "f32le", "f64le", "alaw")),
        *(("-ac", channels) for channels in ("1", "4", "6", "8")),
        *(("-ar", rate) for rate in ("8000", "11025", "96000", "192000")),
        ("-rf64", "always"), ("-write_bext", "1"), ("-fflags", "+bitexact"), ("-c:a", "adpcm_ms"),
    ],
    ".aiff": [
        *(("-c:a", f"pcm_{kind}") for kind in ("s8", "s16be", "s24be", "s32be", "f32be", "s16le")),
        *(("-ac", channels) for channels in ("1", "6")),
        ("-write_id3v2", "1"),
    ],
    ".flac": [
        *(("-compression_level", level) for level in ("0", "3", "5", "8", "12")),
        *(("-frame_size", size) for size in ("192", "576", "4608", "16384")),
        *(("-sample_fmt", "s32", "-ar", rate) for rate in ("44100", "96000")),
        *(("-ac", channels) for channels in ("1", "6", "8")),
        ("-ch_mode", "mid_side"), ("-lpc_type", "cholesky"),
    ],
    ".m4a": [
        ("-c:a", "alac"), ("-c:a", "alac", "-sample_fmt", "s32p"), ("-c:a", "alac", "-ac", "1"),
        ("-c:a", "alac", "-movflags", "+faststart"),
    ],
    ".ogg": [("-c:a", "libopus"), ("-c:a", "flac")],
    ".mp4": [("-c:a", "aac"), ("-c:a", "libmp3lame"), ("-c:a", "flac", "-strict", "-2")],
    ".mka": [("-c:a", "libmp3lame")],
    ".caf": [("-c:a", "alac"), ("-c:a", "pcm_s16be")],
}  # fmt: skip
"""The options of ffmpeg, by the extension of the file."""


@dataclass(frozen=True)
class Odd:
    """A file, what it is, and the same without damage."""

    name: str
    content: bytes
    original: bytes


OF_THE_UNIT_TESTS = [material.cbr, material.vbr, material.tagged, material.id3_with_footer]
"""Makers of files that are not refused."""


def made(program, directory, most):
    """At most so many undamaged files: of each kind the first ones, then the second ones, and so on."""
    source = directory / "source.wav"
    source.write_bytes(masters.wav())
    encoders = [[(suffix, options) for options in choices] for suffix, choices in ENCODERS.items()]
    in_turn = [each for turn in zip_longest(OF_THE_UNIT_TESTS, *encoders) for each in turn if each]
    for each in in_turn[:most]:
        if callable(each):
            yield f"mp3 {each.__name__}", each()
            continue
        suffix, options = each
        target = directory / f"made{suffix}"
        command = [program, "-v", "error", "-y", "-i", source, *options, target]
        if subprocess.run(command, check=False, env={}).returncode == 0:
            yield f"{suffix[1:]} {' '.join(options)}", target.read_bytes()


def damaged(content, chance):
    """Return a changed copy, and what was done to it."""
    at = chance.randrange(len(content))
    some = chance.randbytes(chance.choice((1, 2, 16, 1000)))
    kind = chance.choice(("head", "anywhere", "cut", "appended", "inserted", "removed", "zeros", "twice"))
    changed = bytearray(content)
    if kind in ("head", "anywhere"):
        within = 400 if kind == "head" else len(content)
        for _ in range(chance.randrange(1, 6)):
            changed[chance.randrange(min(within, len(content)))] = chance.randrange(256)
    elif kind == "cut":
        del changed[at:]
    elif kind == "appended":
        changed += some
    elif kind == "inserted":
        changed[at:at] = some
    elif kind == "removed":
        del changed[at : at + len(some)]
    elif kind == "zeros":
        changed[at : at + len(some)] = bytes(len(some))
    else:
        changed += content
    return kind, bytes(changed)


def odd_files(program, directory, count, seed):
    """Give so many files: as encoders made them, which are at most half of them, and then damaged ones."""
    chance = random.Random(seed)
    originals = [Odd(name, content, content) for name, content in made(program, directory, count // 2)]
    yield from originals
    for _ in range(count - len(originals)):
        original = chance.choice(originals)
        kind, content = damaged(original.content, chance)
        yield Odd(f"{original.name}, {kind}", content, original.content)


def decoded(program, content):
    """How many seconds ffmpeg decodes; 0 if it reports an error."""
    as_pcm = ("-ac", "1", "-ar", str(RATE), "-f", "s16le", "pipe:1")
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        command = [program, "-v", "error", "-i", file.name, *as_pcm]
        done = subprocess.run(command, capture_output=True, check=False, env={})
    return 0 if done.returncode or done.stderr else len(done.stdout) / 2 / RATE


PLAY = """
const bytes = Uint8Array.from(atob(%r), letter => letter.charCodeAt(0));
const context = new OfflineAudioContext(1, 1, 44100);
try { return (await context.decodeAudioData(bytes.buffer)).duration; } catch { return 0; }
"""


@dataclass
class Seen:
    """What the inspections gave.

    Attributes:
        cpu_s, memory_bytes: the most that one has used.
        problems: what no inspection may do.
        played: what was refused although other players play it whole.
    """

    verdicts: Counter = field(default_factory=Counter)
    codes: Counter = field(default_factory=Counter)
    cpu_s: float = 0.0
    memory_bytes: int = 0
    problems: list = field(default_factory=list)
    played: list = field(default_factory=list)


def examine(*, files, seed, others):
    """Inspect so many files; with ``others``, ask other players about those that are refused."""
    program, seen, refused = find_ffmpeg(), Seen(), []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for odd in [*odd_files(program, directory, files, seed)]:
            codes = _inspect(odd, directory / "upload", seen)
            if codes is not None:
                refused.append((odd, codes))
        if others:
            seen.played = played_elsewhere(program, directory, refused)
    return seen


def _inspect(odd, path, seen):
    """Inspect one file; give the codes if it is refused."""
    path.write_bytes(odd.content)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = inspect(path)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    seen.cpu_s = max(seen.cpu_s, cpu_s)
    # Of all children so far, ffmpeg included.
    seen.memory_bytes = after.ru_maxrss * 1024
    codes = {each.code for each in report.findings}
    seen.codes.update(codes)
    seen.verdicts["accepted" if report.accepted else "refused"] += 1
    if cpu_s > MOST_CPU_S or codes & UNEXPLAINED or not codes <= set(FINDINGS):
        seen.problems.append(f"{odd.name}: {sorted(codes)}, {cpu_s:.1f} s")
    return None if report.accepted else sorted(codes)


def played_elsewhere(program, directory, refused):
    """The refused files that ffmpeg and Chromium play whole; without Chromium those that ffmpeg does."""
    length = cache(lambda content: decoded(program, content))
    playable = [
        (odd, codes, length(odd.original))
        for odd, codes in refused
        if length(odd.original) and length(odd.content) >= SHARE * length(odd.original)
    ]
    if CHROMIUM is None:
        return [f"{odd.name}: {', '.join(codes)}; there is no Chromium to ask" for odd, codes, _ in playable]
    with chromium(directory) as tab:
        return [
            f"{odd.name}: {', '.join(codes)}"
            for odd, codes, seconds in playable
            if tab.run(PLAY % base64.b64encode(odd.content).decode()) >= SHARE * seconds
        ]


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--seed", default="1")
    options.add_argument("--files", type=int, default=600)
    chosen = options.parse_args()
    seen = examine(files=chosen.files, seed=chosen.seed, others=True)
    print(f"{chosen.files} files: {dict(seen.verdicts)}")
    print(f"at most {seen.cpu_s:.1f} s of processor time and {seen.memory_bytes >> 20} MiB")
    print(f"codes: {dict(seen.codes.most_common())}")
    print("\n".join(["refused, and played whole by ffmpeg and Chromium:", *seen.played]))
    print("\n".join(["problems:", *seen.problems]))
    raise SystemExit(bool(seen.problems))


if __name__ == "__main__":
    main()
