"""Make a backup of a server, and restore one."""

from __future__ import annotations

import hashlib
import hmac
import importlib.metadata
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import NullPool, create_engine, text

from autonomy_core.backup import database, files
from autonomy_core.backup.copies import activate, mark
from autonomy_core.backup.domain import (
    DUMP,
    FILES,
    FORMAT,
    RECORD,
    SERVER_INI,
    TENANTS,
    BackupError,
    FileFacts,
    Manifest,
    claim,
    finish,
    read_manifest,
)
from autonomy_core.backup.programs import Programs
from autonomy_core.db.compatibility import read_script
from autonomy_core.db.migrations import RESTORING, Migrations, migrate, upgrade
from autonomy_core.plugin_api.manager import Plugins
from autonomy_core.settings import Settings
from autonomy_core.tenancy.loader import tenant_files
from autonomy_core.tenancy.rules import RECORD as TENANTS_RECORD

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Site:
    """The server that is backed up, or restored to.

    Attributes:
        ini: the server's ini file.
        reader_url: SQLAlchemy URL of a role that sees every row; for a backup.
        owner_url: of the role that owns the tables; for a restoration.
        application_role, password: as whom the application connects; for a restoration.
        places: where PostgreSQL's programs may be.
    """

    ini: Path
    settings: Settings
    plugins: Plugins
    components: Sequence[Migrations]
    reader_url: str | None
    owner_url: str | None
    application_role: str
    password: str | None
    places: Sequence[Path]


def back_up(site: Site, directory: Path, *, secret_to: Path | None, progress: Progress) -> Manifest:
    """Make a backup while the server is in use. Until the manifest is there, it is none.

    Args:
        directory: empty, or not there yet.
        secret_to: a file to write the server's secret to, outside of the backup; None to write it nowhere.

    Raises:
        BackupError: with what to do; what was written until then stays, and is recognised as unfinished.
    """
    assert site.reader_url is not None  # noqa: S101 - for the type checker: the caller has checked it
    if secret_to is not None and secret_to.resolve().is_relative_to(directory.resolve()):
        raise BackupError(f"{secret_to} is within the backup: the secret is kept apart from it.")
    if secret_to is not None and secret_to.exists():
        raise BackupError(f"{secret_to} exists already; name a new file for the secret.")
    programs = Programs.fitting(database.server_version(site.reader_url), site.places)
    claim(directory)
    dumped = database.dump(site.reader_url, programs, directory / DUMP)
    progress(f"database: {sum(dumped.tables.values())} rows in {len(dumped.tables)} tables")
    # After the database, so that every row finds its file: files are written before the rows that refer to them.
    parts = dict(_copy_files(site, directory, progress))
    parts[DUMP] = files.facts_of(directory / DUMP)
    files.verify(directory, parts)
    if secret_to is not None:
        _write_secret(secret_to, site.settings)
        progress(f"secret: {secret_to}; keep it apart from the backup")
    manifest = Manifest(
        format=FORMAT,
        version=importlib.metadata.version("autonomy-server"),
        taken_at=dumped.taken_at.isoformat(),
        secret=fingerprint(site.settings.secret.reveal()),
        revisions=dumped.revisions,
        tables=dumped.tables,
        files=parts,
    )
    finish(directory, manifest)
    return manifest


def _copy_files(site: Site, directory: Path, progress: Progress) -> Iterator[tuple[str, FileFacts]]:
    for place, source in stored_files(site):
        copied = list(files.copy_tree(source, directory, place))
        progress(f"{place}: {len(copied)} files")
        yield from copied
    ini_files = tenant_files(site.settings.tenants)
    for path in ini_files:
        yield f"{TENANTS}/{path.name}", files.copy(path, directory / TENANTS / path.name)
    record = site.settings.data / TENANTS_RECORD
    if record.exists():
        inner = f"{RECORD}/{record.name}"
        yield inner, files.copy_sqlite(record, directory / inner)
    yield SERVER_INI, files.copy(site.ini, directory / SERVER_INI)
    progress(f"{TENANTS}: {len(ini_files)} files, and {SERVER_INI}")


def stored_files(site: Site) -> Iterator[tuple[str, Path]]:
    """Where the plugins' files are: the place in a backup, and the directory here."""
    for plugin, areas in site.plugins.registered("register_files"):
        for area in areas:
            yield f"{FILES}/{plugin}/{area.name}", area.directory(site.settings)


def fingerprint(secret: str) -> str:
    """By what a secret is recognised that is not told."""
    return hmac.digest(secret.encode(), b"autonomy/backup/fingerprint", hashlib.sha256).hex()


def _write_secret(path: Path, settings: Settings) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise BackupError(f"{path} exists already; name a new file for the secret.") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(settings.secret.reveal() + "\n")


def restore(site: Site, directory: Path, *, accept_other_secret: bool, progress: Progress) -> Manifest:
    """Restore a backup into an empty database and its files' places, as a copy that acts on no live payment.

    Everything is checked before anything is written. Files that are there already, and equal, stay; so a restoration
    that was interrupted can be repeated, with the database as empty as before.

    Raises:
        BackupError: with what to do.
        MigrationError, UnsafeRole: the database is restored, but not migrated; nobody but its owner may read it.
    """
    assert site.owner_url is not None  # noqa: S101 - for the type checker: the caller has checked it
    manifest = read_manifest(directory)
    _require_fitting(site, directory, manifest, accept_other_secret=accept_other_secret)
    files.verify(directory, manifest.files)
    progress(f"backup: {len(manifest.files)} files are as they were backed up")
    programs = Programs.fitting(database.server_version(site.owner_url), site.places)
    with database.connected(site.owner_url) as connection:
        database.require_empty(connection)
    own = [(TENANTS, site.settings.tenants), (RECORD, site.settings.data)]
    places = [*stored_files(site), *own]
    missing = {place: files.missing_in(manifest.files, place, target) for place, target in places}
    for place, wanted in missing.items():
        files.put_back(directory, manifest.files, wanted)
        progress(f"{place}: {len(wanted)} files")
    database.restore(site.owner_url, programs, directory / DUMP, manifest.tables)
    progress(f"database: {sum(manifest.tables.values())} rows in {len(manifest.tables)} tables")
    _open_as_copy(site, datetime.fromisoformat(manifest.taken_at), progress)
    return manifest


def _require_fitting(site: Site, directory: Path, manifest: Manifest, *, accept_other_secret: bool) -> None:
    known = {each.component: each for each in site.components}
    for component, revision in manifest.revisions.items():
        if component not in known:
            continue
        script = read_script(known[component].directory)
        if revision and revision not in {each.revision for each in script.walk_revisions()}:
            raise BackupError(
                f"{directory} has tables of {component} at {revision}, which this version does not know: "
                f"restore it with version {manifest.version} or newer."
            )
    places = tuple(f"{place}/" for place, _ in stored_files(site))
    strange = sorted(
        {
            name.split("/")[1]
            for name in manifest.files
            if name.startswith(f"{FILES}/") and not name.startswith(places)
        }
    )
    if strange:
        raise BackupError(
            f"{directory} has files of {', '.join(strange)}, which is not installed here: install it, then restore."
        )
    known_secrets = {fingerprint(each.reveal()) for each in site.settings.accepted_secrets}
    if manifest.secret not in known_secrets and not accept_other_secret:
        raise BackupError(
            "autonomy.secret is not the one that the backup was made with: name that one in the ini file. If it is lost, "
            "use --accept-other-secret: access tokens and signed links that were given out then end, nothing else."
        )


def _open_as_copy(site: Site, taken_at: datetime, progress: Progress) -> None:
    """Mark the copy before anybody but the tables' owner may read it, and then give the application its rights."""
    assert site.owner_url is not None  # noqa: S101
    engine = create_engine(site.owner_url, poolclass=NullPool)
    upgrade(engine, site.components, progress)
    with engine.begin() as connection:
        mark(connection, taken_at)
        connection.execute(text(f"DROP SCHEMA {RESTORING}"))
    migrate(
        site.owner_url,
        site.components,
        application_role=site.application_role,
        password=site.password,
        progress=progress,
    )


def activate_copy(site: Site) -> bool:
    """Let a restored copy act on live payments; gives whether it was a copy that did not."""
    assert site.owner_url is not None  # noqa: S101 - for the type checker: the caller has checked it
    with create_engine(site.owner_url, poolclass=NullPool).begin() as connection:
        return activate(connection)
