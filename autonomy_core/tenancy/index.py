"""An index of the organisations' files, which speeds up the next start. See docs/decisions/0018.

A starting process need not read ten thousand files before it answers requests. The index contains valid files
only, with the hosts and plugins of their organisations, but not their settings. If the index is unusable, the
files are read.
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

FORMAT = 3


class TenantIndex:
    """The index of one directory, in one file. Several processes may read and write it.

    Args:
        path: the path of the index.
        directory: the directory of the organisations' files.
        schemas: the plugins' schemas. An index that other code has written is ignored.
    """

    def __init__(self, path: Path, directory: Path, schemas: PluginSchemas) -> None:
        self._path = path
        self._directory = directory
        self._made_by = _fingerprint(directory, schemas)

    def read(self) -> dict[str, KnownFile]:
        """Return the files by organisation id; empty if there is no usable index."""
        try:
            body = self._body(_read_own(self._path))
            with _garbage_collection_paused():
                return dict(self._known(body))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError) as error:
            log.info("tenant_index_ignored", file=str(self._path), reason=str(error))
            return {}

    def write(self, files: Mapping[str, KnownFile]) -> None:
        """Replace the index.

        Args:
            files: the results of reading the files, by organisation id.

        Raises:
            OSError: it cannot be written.
        """
        body = b"".join(_lines(files))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Only the owner may read it, because it contains the paths of secret files.
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
        # Line by line: memory for all parsed lines at once would stay allocated.
        for line in io.BytesIO(body):
            name, seen, hosts, hosts_line, plugins, references = json.loads(line)
            version = Version(
                name,
                self._directory,
                tuple(hosts),
                hosts_line,
                shared.setdefault(tuple(plugins), tuple(plugins)),
            )
            then = tuple((path, bytes.fromhex(each) or None) for path, each in references)
            yield name, KnownFile(bytes.fromhex(seen), version, references=then)


@contextmanager
def _garbage_collection_paused() -> Iterator[None]:
    """Pause garbage collection. The block creates no garbage, and collections would double its time."""
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
        # All references of a valid file have targets, so these are paths and not misplaced secrets. Only the
        # directory of the texts may be missing.
        references = [(path, then.hex() if then else "") for path, then in file.references]
        row = (name, file.signature.hex(), version.hosts, version.hosts_line, version.plugins, references)
        yield json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _read_own(path: Path) -> bytes:
    """Read a file that only the current user can have written.

    Raises:
        OSError: it cannot be read, or another user may have written it.
    """
    # Do not follow a link, and do not block on a named pipe.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        status = os.fstat(file.fileno())
        writable = stat.S_IWGRP | stat.S_IWOTH
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & writable:
            raise PermissionError("it is not this user's alone")
        return file.read()


def _fingerprint(directory: Path, schemas: PluginSchemas) -> str:
    """A hash of the code that validates files: the sources of the schemas' packages, and Python's version."""
    modules = {__name__, *(schema.__module__ for schema in schemas.values() if schema)}
    files = {getattr(sys.modules.get(name), "__file__", None) for name in modules}
    packages = sorted({Path(file).parent for file in files if file})
    sources = [(str(each), signature(each)) for package in packages for each in sorted(package.glob("*.py"))]
    inputs = (str(directory.absolute()), sys.version, sorted(schemas), sources)
    return hashlib.sha256(repr(inputs).encode()).hexdigest()
