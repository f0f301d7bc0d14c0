"""Which files rows refer to, by the queries of areas: `StoredFiles.referred_to`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Result, text

from autonomy_core.files.area import FileArea
from autonomy_core.kernel.files import StoredFiles
from autonomy_core.kernel.scope import TenantScope


def ask_references(
    scope: TenantScope, files: StoredFiles, columns: str, condition: str = "true", **values: str
) -> Result[*tuple[Any, ...]]:
    """Ask about the files of an organisation to which rows refer, each once.

    The key of a file begins with its organisation, which the statement compares: see decision 0040. Paths
    that a plugin makes itself, in `StoredFiles` that are no area, are only behind row-level security.

    Args:
        columns: what is asked for, in SQL, of the columns ``key`` and ``size``. The size, in bytes, is null
            if the query has none.
        condition: of the files, in SQL.
        values: of the parameters in ``condition``.

    Raises:
        ValueError: the files have no ``referred_to``.
    """
    if files.referred_to is None:
        raise ValueError(f"the files {files.name!r} do not say which rows refer to them")
    # The query may have one column. Joined to another one, it has two at least.
    statement = f"""
        SELECT {columns} FROM (
            SELECT key, max(size) AS size
            FROM (({files.referred_to}) AS referred CROSS JOIN (SELECT NULL::bigint) AS unknown)
                AS files (key, size)
            WHERE starts_with(key, :own)
            GROUP BY key
        ) AS own
        WHERE {condition}
    """  # noqa: S608 - of the plugin's query and of this package's words
    own = f"{scope.organisation.id}/" if isinstance(files, FileArea) else ""
    return scope.session.execute(text(statement), {"own": own, **values})
