"""Findings about organisations' valid files that need no other server."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from autonomy_core.files.delivery import delivery_findings
from autonomy_core.kernel.checks import Finding, as_far_as_found
from autonomy_core.tenancy.domain import LoadedFile, Organisation
from autonomy_core.tenancy.loader import PluginSchemas
from autonomy_core.tenancy.parser import Ini, parse
from autonomy_core.tenancy.reading import read_text
from autonomy_core.tenancy.secrecy import is_secret
from autonomy_core.tenancy.secrets import is_reference

if TYPE_CHECKING:
    from autonomy_core.kernel.runtime import Runtime


def settings_findings(runtime: Runtime, organisation: Organisation) -> Iterator[Finding]:
    """Check the settings of the core, and run the offline checks of the organisation's plugins."""
    scope = runtime.scope_outside(organisation)
    yield from delivery_findings(runtime, organisation)
    for check in runtime.checks_for(organisation):
        if check.is_offline:
            yield from as_far_as_found(check.name, check.function(scope))


def exposed_secrets(path: Path, loaded: LoadedFile, schemas: PluginSchemas) -> Iterator[Finding]:
    """Find files of an organisation that contain secrets and are readable by every user of the machine.

    Args:
        path: the ini file.
        loaded: the result of reading it.
        schemas: the plugins' schemas, which name the secret keys.
    """
    if _all_may_read(path) and _has_written_secret(path, schemas):
        remedy = f"chmod o-r {path}; or write env:NAME or file:path in place of the secrets"
        yield _exposed(path, remedy)
    for reference, _ in loaded.references:
        if _all_may_read(reference):
            yield _exposed(reference, f"chmod o-r {reference}")


def _exposed(path: Path, remedy: str) -> Finding:
    message = f"{path} contains secrets, and every user of this machine may read it"
    return Finding("readable_secrets", "warning", message, remedy)


def _all_may_read(path: Path) -> bool:
    try:
        file, directory = path.stat(), path.parent.stat()
    except OSError:
        return False
    return bool(file.st_mode & stat.S_IROTH and directory.st_mode & stat.S_IXOTH)


def _has_written_secret(path: Path, schemas: PluginSchemas) -> bool:
    text = read_text(path)
    return isinstance(text, str) and any(_written_secrets(parse(path, text), schemas))


def _written_secrets(ini: Ini, schemas: PluginSchemas) -> Iterable[bool]:
    for name, section in ini.sections.items():
        for key, value in section.values().items():
            yield is_secret(schemas, name, key) and not is_reference(value)
