"""Files outside the database, for plugins: what a backup takes along."""

from __future__ import annotations

from autonomy_core.kernel.files import StoredFiles

__all__ = [
    "StoredFiles",
]
