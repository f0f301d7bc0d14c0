"""What the files of a directory were when they were last read, kept for the next start. See docs/decisions/0018.

It spares a process that starts to read ten thousand files before it can answer anybody. Only files that are in order are in
it, with what finds an organisation: its hosts and plugins, never what its sections say. Whatever is the matter with
the index, it counts for nothing, and the files are read.
"""

from __future__ import annotations

import gc
import hashlib
import io
import json
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog

from autonomy_core.tenancy.domain import KnownFile, Version
from autonomy_core.tenancy.files import signature, write_whole
from autonomy_core.tenancy.loader import PluginSchemas

log = structlog.get_logger(__name__)

FORMAT = 1


class TenantIndex:
    """The index of one directory, in a file of its own. Several processes may read and write it at once.

    Args:
        path: the file.
        directory: of the tenants' files.
        schemas: what they are checked with: of other code's making, an index counts for nothing.
    """

    def __init__(self, path: Path, directory: Path, schemas: PluginSchemas) -> None:
        self._path = path
        self._directory = directory
        self._made_by = _fingerprint(directory, schemas)

    def read(self) -> dict[str, KnownFile]:
        """Return the files by organisation id; none if there is no index, or none that can be relied on."""
        try:
            body = self._body(_read_own(self._path))
            with _collector_at_rest():
                return dict(self._known(body))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError) as error:
            log.info("tenant_index_ignored", file=str(self._path), reason=str(error))
            return {}

    def write(self, files: Mapping[str, KnownFile]) -> None:
        """Replace the index by what is known of some files.

        Raises:
            OSError: it cannot be written.
        """
        body = b"".join(_lines(files))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # For the owner alone: which secret files there are is nobody else's business.
        write_whole(self._path, json.dumps(self._header(body)).encode() + b"\n" + body, mode=0o600)

    def _header(self, body: bytes) -> dict[str, Any]:
        return {"format": FORMAT, "made_by": self._made_by, "sha256": hashlib.sha256(body).hexdigest()}

    def _body(self, content: bytes) -> bytes:
        header, _, body = content.partition(b"\n")
        if json.loads(header) != self._header(body):
            raise ValueError("it is damaged, or of another version of the server")
        return body

    def _known(self, body: bytes) -> Iterator[tuple[str, KnownFile]]:
        shared: dict[tuple[str, ...], tuple[str, ...]] = {}
        # Line by line: what all of them would take at once, the process would keep.
        for line in io.BytesIO(body):
            name, seen, hosts, hosts_line, plugins, references = json.loads(line)
            version = Version(
                name,
                self._directory,
                tuple(hosts),
                hosts_line,
                shared.setdefault(tuple(plugins), tuple(plugins)),
            )
            then = tuple((path, bytes.fromhex(each)) for path, each in references)
            yield name, KnownFile(bytes.fromhex(seen), version, references=then)


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """None of what is made in this block is garbage; to look through it again and again takes as long as to make it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _lines(files: Mapping[str, KnownFile]) -> Iterator[bytes]:
    for name, file in files.items():
        version = file.version
        if version is None or file.problems or file.is_doubtful or file.uses_environment:
            continue
        # Of a file that is in order all references lead somewhere: what they name are paths, and no misplaced secrets.
        references = [(path, then.hex()) for path, then in file.references if then]
        row = (name, file.signature.hex(), version.hosts, version.hosts_line, version.plugins, references)
        yield json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _read_own(path: Path) -> bytes:
    """The content of a file that nobody else can have written.

    Raises:
        OSError: it cannot be read, or somebody else may have written it.
    """
    # Not through a link, and not for ever at a named pipe.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        status = os.fstat(file.fileno())
        writable = stat.S_IWGRP | stat.S_IWOTH
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & writable:
            raise PermissionError("it is not this user's alone")
        return file.read()


def _fingerprint(directory: Path, schemas: PluginSchemas) -> str:
    """What stands for the code that checks the files: the modules of the packages that it is in, and Python."""
    modules = {__name__, *(schema.__module__ for schema in schemas.values() if schema)}
    files = {getattr(sys.modules.get(name), "__file__", None) for name in modules}
    packages = sorted({Path(file).parent for file in files if file})
    sources = [(str(each), signature(each)) for package in packages for each in sorted(package.glob("*.py"))]
    told = (str(directory.absolute()), sys.version, sorted(schemas), sources)
    return hashlib.sha256(repr(told).encode()).hexdigest()
