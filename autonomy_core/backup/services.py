"""Make a backup of a server, and restore one."""

from __future__ import annotations

import hashlib
import hmac
import importlib.metadata
import os
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import text

from autonomy_core.backup import database, files, stores
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
    naming,
    read_manifest,
)
from autonomy_core.backup.programs import Programs
from autonomy_core.backup.stores import Area
from autonomy_core.db.components import read_script
from autonomy_core.db.engines import single_engine
from autonomy_core.db.migrations import (
    RESTORING,
    Migrations,
    Target,
    migrate,
    refuse_while_restoring,
    upgrade,
)
from autonomy_core.kernel.copies import activate, mark
from autonomy_core.kernel.manager import Plugins
from autonomy_core.settings import Settings, rules_of
from autonomy_core.tenancy.reading import tenant_files
from autonomy_core.tenancy.record import RECORD as TENANTS_RECORD
from autonomy_core.tenancy.texts import texts_directory

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Site:
    """The server that is backed up or restored.

    Attributes:
        ini: the server's ini file.
        components: the components with tables: the core and the plugins.
        places: directories to search for PostgreSQL's programs.
    """

    ini: Path
    settings: Settings
    plugins: Plugins
    components: Sequence[Migrations]
    places: Sequence[Path]


def back_up(
    site: Site, directory: Path, *, reader_url: str, secret_to: Path | None, progress: Progress
) -> Manifest:
    """Make a backup while the server is in use. The backup is valid once its manifest is written.

    Args:
        directory: an empty or a new directory.
        reader_url: the SQLAlchemy URL of a role that sees all rows.
        secret_to: the file to write the server's secret to, outside of the backup; None writes no secret.
        progress: called with one sentence for each completed step.

    Raises:
        BackupError: with the remedy. Written parts stay in the directory, marked as unfinished.
    """
    if secret_to is not None:
        _require_apart(secret_to, directory)
    areas = stores.areas_of(site.plugins, site.settings)
    _require_outside(areas, directory)
    server = database.server_version(reader_url)
    programs = Programs.to_dump(server, site.places)
    database.require_dumpable(reader_url)
    claim(directory)
    queries = {area.place: area.referred_to for area in areas if area.referred_to is not None}
    dumped = database.dump(reader_url, programs, directory / DUMP, queries)
    progress(f"database: {sum(dumped.tables.values())} rows in {len(dumped.tables)} tables")
    if programs.version > server:
        progress(f"database: by pg_dump {programs.version}; it cannot be restored on PostgreSQL {server}")
    # Copy files after the dump: a file is written before the row that refers to it, so none is missing.
    parts = dict(_copy_files(site, areas, directory, progress))
    parts[DUMP] = files.facts_of(directory / DUMP)
    files.verify(directory, parts)
    if secret_to is not None:
        _write_secret(secret_to, site.settings)
        progress(f"secret: {secret_to}; keep it apart from the backup")
    manifest = _manifest(site, programs, dumped, parts)
    finish(directory, manifest)
    return manifest


def _require_apart(secret_to: Path, directory: Path) -> None:
    if secret_to.resolve().is_relative_to(directory.resolve()):
        raise BackupError(f"{secret_to} is within the backup: store the secret outside of it.")
    if secret_to.exists():
        raise BackupError(f"{secret_to} exists already; name a new file for the secret.")
    if not secret_to.absolute().parent.is_dir():
        raise BackupError(f"{secret_to} cannot be created: create its directory first.")


def _require_outside(areas: Sequence[Area], directory: Path) -> None:
    for area in areas:
        for root in area.roots:
            if directory.resolve().is_relative_to(root.resolve()):
                raise BackupError(f"{directory} is in {root}, which is backed up: name another directory.")


def _manifest(
    site: Site, programs: Programs, dumped: database.Dumped, parts: Mapping[str, FileFacts]
) -> Manifest:
    return Manifest(
        format=FORMAT,
        version=importlib.metadata.version("autonomy-server"),
        taken_at=dumped.taken_at.isoformat(),
        postgresql=programs.version,
        secret=fingerprint(site.settings.secret.reveal()),
        revisions=dumped.revisions,
        tables=dumped.tables,
        files=parts,
        gaps=list(_gaps(site, dumped, parts)),
    )


def _copy_files(
    site: Site, areas: Sequence[Area], directory: Path, progress: Progress
) -> Iterator[tuple[str, FileFacts]]:
    for area in areas:
        copied = list(stores.copy_area(area, directory))
        progress(f"{area.place}: {files.counted(copied)}")
        yield from copied
    ini_files = tenant_files(site.settings.tenants)
    for path in ini_files:
        yield f"{TENANTS}/{path.name}", files.copy(path, directory / TENANTS / path.name)
        yield from files.copy_tree(texts_directory(path), directory, f"{TENANTS}/{path.stem}/mail")
    record = site.settings.data / TENANTS_RECORD
    if record.exists():
        inner = f"{RECORD}/{record.name}"
        yield inner, files.copy_sqlite(record, directory / inner)
    yield SERVER_INI, files.copy(site.ini, directory / SERVER_INI)
    progress(f"{TENANTS}: {files.counted(ini_files)}, and {SERVER_INI}")


def _gaps(site: Site, dumped: database.Dumped, parts: Container[str]) -> Iterator[str]:
    """Yield one sentence for each missing plugin, file or organisation that the backup's data refers to."""
    known = {each.component for each in site.components}
    for component in sorted(dumped.revisions.keys() - known):
        yield (
            f"{component} has tables and is not installed: its files, if any, are not in the backup. Install "
            "it, or remove its tables."
        )
    for place, answer in dumped.answers.items():
        if answer is None:
            yield f"{place}: it is not known which files should be there; run: autonomy migrate"
            continue
        missing = sorted(name for name in set(answer) if f"{place}/{name}" not in parts)
        if missing:
            yield (
                f"{place}: {len(missing)} files that the database refers to are missing, "
                f"the first is {missing[0]}"
            )
    ids = {path.stem for path in tenant_files(site.settings.tenants)}
    record = rules_of(site.settings).record
    yield from stores.gaps(site.plugins, site.settings)
    lost = sorted(record.ids_except(ids)) if record else []
    if lost:
        yield (
            f"{TENANTS}: the files of {len(lost)} organisations in service are missing, the first is "
            f"{lost[0]}. Put them back, or run: autonomy tenants accept"
        )


def fingerprint(secret: str) -> str:
    """Return a value that identifies a secret without revealing it."""
    return hmac.digest(secret.encode(), b"autonomy/backup/fingerprint", hashlib.sha256).hex()


def _write_secret(path: Path, settings: Settings) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise BackupError(f"{path} exists already; name a new file for the secret.") from None
    with naming(path), os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(settings.secret.reveal() + "\n")


def restore(
    site: Site,
    directory: Path,
    *,
    database_at: Target | None,
    make_database: Callable[[], Target],
    accept_other_secret: bool,
    progress: Progress,
) -> Manifest:
    """Restore a backup into an empty database and the files' directories, as a copy that is not activated.

    All checks run before the first write. Existing equal files stay, so an interrupted restoration can be
    repeated after the database is emptied.

    Args:
        directory: the directory of the backup.
        database_at: the target database; None if it does not exist yet.
        make_database: creates the database after all checks, if ``database_at`` is None.
        accept_other_secret: restore even if the server's secret is not the one of the backup.

    Raises:
        BackupError: with the remedy.
        MigrationError, UnsafeRole: the database is restored but not migrated; only its owner may read it.
    """
    manifest = read_manifest(directory)
    _require_fitting(site, directory, manifest, accept_other_secret=accept_other_secret)
    if database_at is not None:
        _programs_to_restore(site, database_at, manifest)
    files.verify(directory, manifest.files)
    progress(f"backup: {files.counted(manifest.files)} verified")
    missing = stores.missing_in_directories(site.plugins, site.settings, manifest.files)
    for place, directory_of in ((TENANTS, site.settings.tenants), (RECORD, site.settings.data)):
        missing[place] = files.missing_in(manifest.files, place, directory_of)
    target = database_at or make_database()
    with database.restoring(target.owner_url):
        programs = _programs_to_restore(site, target, manifest)
        for place, wanted in missing.items():
            files.put_back(directory, manifest.files, wanted)
            progress(f"{place}: {files.counted(wanted)}")
        stores.put_into_stores(site.plugins, site.settings, directory, manifest.files, progress)
        database.restore(target.owner_url, programs, directory / DUMP, manifest.tables)
        progress(f"database: {sum(manifest.tables.values())} rows in {len(manifest.tables)} tables")
        _open_as_copy(target, site.components, datetime.fromisoformat(manifest.taken_at), progress)
    return manifest


def _programs_to_restore(site: Site, target: Target, manifest: Manifest) -> Programs:
    """Check that the target database is empty, and find programs for it.

    Raises:
        BackupError: it is not empty, or no compatible programs are installed.
    """
    database.require_empty(target.owner_url)
    return Programs.to_restore(manifest.postgresql, database.server_version(target.owner_url), site.places)


def _require_fitting(site: Site, directory: Path, manifest: Manifest, *, accept_other_secret: bool) -> None:
    known = {each.component: each for each in site.components}
    for component, revision in manifest.revisions.items():
        if component not in known:
            continue
        script = read_script(known[component].directory)
        if revision and revision not in {each.revision for each in script.walk_revisions()}:
            raise BackupError(
                f"{directory} has tables of {component} at {revision}, which this version does not have: "
                f"restore it with version {manifest.version} or newer."
            )
    places = tuple(f"{area.place}/" for area in stores.areas_of(site.plugins, site.settings))
    strange = sorted(
        {
            name.split("/")[1]
            for name in manifest.files
            if name.startswith(f"{FILES}/") and not name.startswith(places)
        }
    )
    if strange:
        raise BackupError(
            f"{directory} has files of {', '.join(strange)}, which is not installed here: install it and "
            "retry."
        )
    known_secrets = {fingerprint(each.reveal()) for each in site.settings.accepted_secrets}
    if manifest.secret not in known_secrets and not accept_other_secret:
        raise BackupError(
            "autonomy.secret is not the one that the backup was made with: put that one into the ini file. "
            "If it is lost, use --accept-other-secret. This invalidates all access tokens and signed links; "
            "customers stay logged in."
        )


def _open_as_copy(
    target: Target, components: Sequence[Migrations], taken_at: datetime, progress: Progress
) -> None:
    """Mark the copy while only the tables' owner may read it, and then grant the application its rights."""
    engine = single_engine(target.owner_url)
    upgrade(engine, components, progress)
    with engine.begin() as connection:
        mark(connection, taken_at)
        connection.execute(text(f"DROP SCHEMA {RESTORING}"))
    migrate(
        target.owner_url,
        components,
        application_role=target.role,
        password=target.password,
        progress=progress,
    )


def activate_copy(owner_url: str) -> bool:
    """Allow a restored copy to act on live payments.

    Returns:
        Whether the copy was inactive before.

    Raises:
        BackupError: the database was not restored from a backup.
        MigrationError: a restoration into the database was interrupted.
    """
    with single_engine(owner_url).begin() as connection:
        refuse_while_restoring(connection)
        if not database.has_tables(connection):
            raise BackupError(
                "Nothing was restored into this database: restore a backup first, or correct the ini file if "
                "it names the wrong database."
            )
        return activate(connection)
