"""Reading small files, noticing that they have changed, and replacing them as a whole."""

from __future__ import annotations

import os
import secrets
import stat
import struct
from pathlib import Path

Signature = bytes
"""What changes when a file does; of one that cannot be looked at it is empty."""

MAXIMUM_BYTES = 1024 * 1024

FRESH_NS = 3_000_000_000
"""Longer than the coarsest file system takes for one moment: 2 s."""

# Modification, change of the status, size, inode. Packed, because ten thousand of them are kept.
_SIGNATURE = struct.Struct("<qqQQ")


def signature(path: Path) -> Signature | None:
    """Return what changes when the file at `path` does, or None when there is none to look at."""
    try:
        return signature_of(path.stat())
    except (OSError, ValueError):  # a path with a NUL is the latter
        return None


def signature_of(status: os.stat_result) -> Signature:
    """Return what changes when the file does. The change time notices a chmod, which leaves the rest alone."""
    return _SIGNATURE.pack(status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)


def is_fresh(seen: Signature | None, now_ns: int, within_ns: int | None = None) -> bool:
    """Whether a file with this signature may change once more without getting another one: the clock of the file
    system goes in steps, and an edit within one need not change the size.

    Args:
        now_ns: the time since the epoch when the file was looked at, in nanoseconds.
        within_ns: what is fresh, in nanoseconds; by default `FRESH_NS`.
    """
    if not seen:
        return False
    _, changed_ns, _, _ = _SIGNATURE.unpack(seen)
    return abs(now_ns - changed_ns) < (FRESH_NS if within_ns is None else within_ns)


def read_small_file(path: Path) -> bytes:
    """Return the bytes of a regular file of at most `MAXIMUM_BYTES`.

    Raises OSError for anything else: a named pipe would block the caller for ever.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("not a regular file")
    with path.open("rb") as file:
        content = file.read(MAXIMUM_BYTES + 1)
    if len(content) > MAXIMUM_BYTES:
        raise OSError(f"larger than {MAXIMUM_BYTES} bytes")
    return content


def write_whole(
    path: Path,
    content: bytes,
    *,
    like: os.stat_result | None = None,
    mode: int = 0o644,
    owner: os.stat_result | None = None,
) -> None:
    """Write a file so that others see either what was there before or all of the new content.

    Args:
        like: whose mode and owner the file gets.
        mode: the file's without `like`; by default everybody may read it.
        owner: whose owner the file gets without `like`.

    Raises:
        OSError: it cannot be written, or given to that owner; what was there is as it was.
    """
    # A hidden name: nobody takes it for a tenant's file.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            if giver := like or owner:
                give_to(draft, giver)
            os.fchmod(file.fileno(), stat.S_IMODE(like.st_mode) if like else mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def give_to(path: Path, owner: os.stat_result) -> None:
    """Give a file to the owner of another one, where that is somebody else: root may act for the server's user.

    Raises:
        OSError: that is not allowed.
    """
    now = path.stat()
    if (now.st_uid, now.st_gid) != (owner.st_uid, owner.st_gid):
        os.chown(path, owner.st_uid, owner.st_gid)
