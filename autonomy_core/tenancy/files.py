"""Reads small files, detects changes, and replaces files atomically."""

from __future__ import annotations

import os
import secrets
import stat
import struct
from pathlib import Path

Signature = bytes
"""Changes when the file changes; empty if the file's status cannot be read."""

MAXIMUM_BYTES = 1024 * 1024

FRESH_NS = 3_000_000_000
"""In nanoseconds. Longer than the timestamp resolution of the coarsest file system, which is 2 s."""

# Modification time, status change time, size, inode. Packed, because ten thousand of them stay in memory.
_SIGNATURE = struct.Struct("<qqQQ")


def signature(path: Path) -> Signature | None:
    """Return the signature of the file at a path; None if there is no file."""
    try:
        return signature_of(path.stat())
    except (OSError, ValueError):  # a path with NUL raises ValueError
        return None


def signature_of(status: os.stat_result) -> Signature:
    """Return the signature for a status. It includes the change time, because a chmod changes only that."""
    return _SIGNATURE.pack(status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)


def is_fresh(seen: Signature | None, now_ns: int, within_ns: int) -> bool:
    """Whether the file may change again without getting another signature.

    File systems store times with a limited resolution, and an edit within the same step may keep the size.

    Args:
        seen: the file's signature.
        now_ns: when the signature was taken, in nanoseconds since the epoch.
        within_ns: the age below which a file is fresh, in nanoseconds, such as `FRESH_NS`.
    """
    if not seen:
        return False
    _, changed_ns, _, _ = _SIGNATURE.unpack(seen)
    return abs(now_ns - changed_ns) < within_ns


def read_small_file(path: Path) -> bytes:
    """Return the content of a regular file of at most `MAXIMUM_BYTES`.

    Raises:
        OSError: it cannot be read, is larger, or is no regular file; a named pipe would block for ever.
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
    """Write a file atomically: other processes see the old or the new content, never a part.

    Args:
        path: the file.
        content: the new content.
        like: the status whose mode and owner the file gets.
        mode: the mode without ``like``; by default all users may read the file.
        owner: the status whose owner the file gets without ``like``.

    Raises:
        OSError: it cannot be written, or given to that owner. The old file is unchanged.
    """
    # The name starts with a dot, so that it is not taken for a tenant's file.
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
    """Change the owner of a file if it differs. Root uses this to act for the server's user.

    Args:
        path: the file.
        owner: the status of a file with the wanted owner.

    Raises:
        OSError: the process may not change the owner.
    """
    now = path.stat()
    if (now.st_uid, now.st_gid) != (owner.st_uid, owner.st_gid):
        os.chown(path, owner.st_uid, owner.st_gid)
