"""Everything that the server and its plugins keep of a customer, as files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile

from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope, forbid_commit

FILE_NAME = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-][A-Za-z0-9._-]*")
"""The names that plugins may give to files: no program that unpacks them leaves its directory."""

IN_MEMORY_BYTES = 1024 * 1024
"""Up to this size an archive stays in memory; a larger one is a temporary file."""


def export(scope: TenantScope, customer_id: UUID) -> Iterator[tuple[str, bytes]]:
    """Yield the files about a customer: pairs of a path and its bytes.

    Args:
        scope: the scope of the organisation.
        customer_id: the customer.

    Raises:
        ValueError: a plugin gave a file an unsuitable name.
    """
    for kept in runtime_of(scope).personal_data:
        with forbid_commit(scope):
            files = list(kept.export(scope, customer_id))
        for name, content in files:
            if not FILE_NAME.fullmatch(name):
                raise ValueError(f"personal data {kept.name}: {name!r} cannot be the name of a file")
            yield f"{kept.name}/{name}", content if isinstance(content, bytes) else _in_json(content)


def _in_json(content: Any) -> bytes:
    return json.dumps(content, indent=2, ensure_ascii=False, default=str).encode()


def zipped(files: Iterable[tuple[str, bytes]]) -> IO[bytes]:
    """Write files into a ZIP archive, and return it at its beginning. The caller closes it."""
    archive = SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 - the caller closes it
    with ZipFile(archive, "w", ZIP_DEFLATED) as writing:
        for path, content in files:
            writing.writestr(path, content)
    archive.seek(0)
    return archive
