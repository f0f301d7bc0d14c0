"""Makes the file of one rendition, in no transaction."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog

from autonomy_core.plugin_api.files import StorageUnavailable, Upload, storage_of
from autonomy_core.plugin_api.images import jpeg_of, sizes_of
from autonomy_core.plugin_api.media import (
    Cover,
    FfmpegFailed,
    FfmpegLimitReached,
    FfmpegMissing,
    MediaFormat,
    encode,
    encoders,
    find_ffmpeg,
)
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.mpeg.cutting import NothingToCut, cut
from media_mp3.previews.domain import Excerpt
from media_mp3.previews.formats import CutPreview
from media_mp3.renditions.domain import MP3, STORAGE_UNAVAILABLE
from media_mp3.renditions.planning import WantedRendition
from media_mp3.settings import RENDITIONS, area_of
from media_mp3.tags.id3v2 import parse_header
from media_mp3.tags.scan import scan_tags

log = structlog.get_logger(__name__)

LARGEST_COVER: Final = 1200
"""The longest side of an embedded cover, in pixels."""
_ABANDONED_S: Final = 24 * 3600
_PREFIX: Final = "rendition-"
_PIECE_BYTES: Final = 1024 * 1024
DEMUXERS: Final = {"mp3": "mp3", "wav": "wav", "aiff": "aiff", "flac": "flac", "alac": "mov"}
"""ffmpeg's names of the containers of masters, by the master's format."""
_ID3_HEADER_BYTES: Final = 10


class NotMade(Exception):
    """The rendition could not be made. ``code`` is a key of `domain.ERRORS`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@contextmanager
def made(scope: TenantScope, wanted: WantedRendition) -> Iterator[Upload]:
    """Make a file. It is removed after the block.

    Args:
        scope: in no transaction.

    Raises:
        NotMade
    """
    with workplace(scope, wanted.track_id, wanted.format.name) as directory:
        yield _make(scope, wanted, directory)


@contextmanager
def workplace(scope: TenantScope, track_id: UUID, name: str) -> Iterator[Path]:
    """Give a directory to work in. It is removed after the block, and errors of the block are `NotMade`.

    Args:
        name: of what is made, for the log.

    Raises:
        NotMade
    """
    parent = RENDITIONS.incoming(scope.server)
    _remove_abandoned(parent)
    about = {"track": str(track_id), "format": name}
    try:
        with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=parent) as directory:
            yield Path(directory)
    except (OSError, StorageUnavailable) as error:
        log.exception("media_mp3.rendition_not_stored", **about)
        raise NotMade(STORAGE_UNAVAILABLE) from error
    except FfmpegMissing as error:
        raise NotMade("ffmpeg_missing") from error
    except FfmpegLimitReached as error:
        log.warning("media_mp3.rendition_limit", limit=error.limit, **about)
        raise NotMade("encoding_limit") from error
    except (FfmpegFailed, NothingToCut) as error:
        log.exception("media_mp3.rendition_failed", **about)
        raise NotMade("encoding_failed") from error


def obstacle_to(media_format: MediaFormat) -> str | None:
    """Why this machine cannot make a format, a key of `domain.ERRORS`; None if it can."""
    if isinstance(media_format, CutPreview):
        return None
    if find_ffmpeg() is None:
        return "ffmpeg_missing"
    if media_format.name != MP3 and media_format.encoder not in encoders():
        return "encoder_missing"
    return None


def _make(scope: TenantScope, wanted: WantedRendition, directory: Path) -> Upload:
    master, target = directory / "master", directory / "rendition"
    fetch_master(scope, wanted.master, wanted.master_format, wanted.master_size, master)
    if isinstance(wanted.format, CutPreview):
        _cut(master, wanted.format.part, target)
    else:
        encode(
            wanted.format,
            master,
            wanted.recording,
            target,
            demuxer=DEMUXERS[wanted.master_format],
            tags=wanted.tags,
            cover=_cover(scope, wanted),
        )
    if wanted.format.name == MP3:
        _put_before(target, master, directory / "tagged")
        target = directory / "tagged"
    size = target.stat().st_size
    if size == 0:
        raise FfmpegFailed("it wrote an empty file")
    with target.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Upload(target, sha256, size, target.name, {})


def fetch_master(scope: TenantScope, key: str, format_name: str, size: int, target: Path) -> None:
    """Copy a master from the store.

    Args:
        key: of its file.
        format_name: of the master.
        size: its bytes.
        target: the file to write.

    Raises:
        OSError, StorageUnavailable
    """
    storage = storage_of(scope, area_of(format_name))
    with target.open("wb") as file:
        for piece in storage.open_range(key, 0, size - 1):
            file.write(piece)


def _cut(master: Path, part: Excerpt, target: Path) -> None:
    with master.open("rb") as source, target.open("wb") as output:
        size = master.stat().st_size
        cut(source, size, output, start_ms=part.start_ms, length_ms=part.length_ms)


def _cover(scope: TenantScope, wanted: WantedRendition) -> Cover | None:
    """The cover that the track or the product has now. After a change, the rendition is made again."""
    if wanted.cover is None:
        return None
    sizes = sizes_of(wanted.cover.width, wanted.cover.height)
    fitting = [size for size in sizes.values() if max(size) <= LARGEST_COVER] or [next(iter(sizes.values()))]
    with scope.begin() as own:
        content = jpeg_of(own, *wanted.cover_of, largest=LARGEST_COVER)
    return Cover(content, *fitting[-1]) if content else None


def _put_before(tagged: Path, master: Path, target: Path) -> None:
    """Write the tag of one MP3 and the audio of another, which stays as it is, with what hides its ends.

    Args:
        tagged: a file that begins with an ID3v2 tag.
        master: an inspected file, whose tags are left out.
    """
    with tagged.open("rb") as file:
        header = parse_header(file.read(_ID3_HEADER_BYTES))
        if header is None:
            raise FfmpegFailed("it wrote no ID3v2 tag")
        file.seek(0)
        tag = file.read(header.total_bytes)
    with master.open("rb") as source, target.open("wb") as output:
        scan = scan_tags(source, master.stat().st_size)
        output.write(tag)
        source.seek(scan.audio_start)
        left = scan.audio_end - scan.audio_start
        while left > 0 and (piece := source.read(min(left, _PIECE_BYTES))):
            output.write(piece)
            left -= len(piece)


def _remove_abandoned(directory: Path) -> None:
    """Remove what a killed worker has left. No rendition takes that long."""
    oldest = time.time() - _ABANDONED_S
    for path in directory.glob(f"{_PREFIX}*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest:
                shutil.rmtree(path, ignore_errors=True)
