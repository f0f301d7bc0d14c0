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

from autonomy_core.backup import database, files
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
from autonomy_core.db.compatibility import read_script
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
from autonomy_core.tenancy.loader import tenant_files
from autonomy_core.tenancy.record import RECORD as TENANTS_RECORD

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Site:
    """The server that is backed up, or restored to.

    Attributes:
        ini: the server's ini file.
        places: where PostgreSQL's programs may be.
    """

    ini: Path
    settings: Settings
    plugins: Plugins
    components: Sequence[Migrations]
    places: Sequence[Path]


def back_up(
    site: Site, directory: Path, *, reader_url: str, secret_to: Path | None, progress: Progress
) -> Manifest:
    """Make a backup while the server is in use. Until the manifest is there, it is none.

    Args:
        directory: empty, or not there yet.
        reader_url: SQLAlchemy URL of a role that sees every row.
        secret_to: a file to write the server's secret to, outside of the backup; None to write it nowhere.

    Raises:
        BackupError: with what to do; what was written until then stays, and is recognised as unfinished.
    """
    if secret_to is not None:
        _require_apart(secret_to, directory)
    areas = stored_files(site)
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
    # After the database, so that every row finds its file: files are written before the rows that refer to them.
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
        raise BackupError(f"{secret_to} is within the backup: the secret is kept apart from it.")
    if secret_to.exists():
        raise BackupError(f"{secret_to} exists already; name a new file for the secret.")
    if not secret_to.absolute().parent.is_dir():
        raise BackupError(f"{secret_to} cannot be made: make its directory first.")


def _require_outside(areas: Sequence[Area], directory: Path) -> None:
    for area in areas:
        if directory.resolve().is_relative_to(area.directory.resolve()):
            raise BackupError(
                f"{directory} is in {area.directory}, which is backed up: name another directory."
            )


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
        copied = list(files.copy_tree(area.directory, directory, area.place))
        progress(f"{area.place}: {len(copied)} files")
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


def _gaps(site: Site, dumped: database.Dumped, parts: Container[str]) -> Iterator[str]:
    """What is missing although the database or the record of organisations knows of it, a sentence each."""
    known = {each.component for each in site.components}
    for component in sorted(dumped.revisions.keys() - known):
        yield (
            f"{component} has tables and is not installed: if it keeps files, they are not in the backup. Install it, "
            "or remove its tables."
        )
    for place, answer in dumped.answers.items():
        if answer is None:
            yield f"{place}: it is not known which files should be there; run: autonomy migrate"
            continue
        missing = sorted(name for name in set(answer) if f"{place}/{name}" not in parts)
        if missing:
            yield f"{place}: {len(missing)} files that the database refers to are missing, the first is {missing[0]}"
    ids = {path.stem for path in tenant_files(site.settings.tenants)}
    record = rules_of(site.settings).record
    lost = sorted(record.ids_but(ids)) if record else []
    if lost:
        yield (
            f"{TENANTS}: the files of {len(lost)} organisations in service are missing, the first is {lost[0]}. Bring "
            "them back, or run: autonomy tenants accept"
        )


@dataclass(frozen=True, slots=True)
class Area:
    """A directory of a plugin's files.

    Attributes:
        place: in a backup.
        directory: here.
        referred_to: a query of the files that should be there, see `StoredFiles`.
    """

    place: str
    directory: Path
    referred_to: str | None


def stored_files(site: Site) -> list[Area]:
    """Where the plugins' files are."""
    return [
        Area(f"{FILES}/{plugin}/{each.name}", each.directory(site.settings), each.referred_to)
        for plugin, offered in site.plugins.registered("register_files")
        for each in offered
    ]


def fingerprint(secret: str) -> str:
    """By what a secret is recognised that is not told."""
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
    """Restore a backup into an empty database and its files' places, as a copy that acts on no live payment.

    Everything is checked before anything is written. Files that are there already, and equal, stay; so a restoration
    that was interrupted can be repeated, with the database as empty as before.

    Args:
        database_at: the database to restore into; None where there is none yet.
        make_database: makes it then, when everything is checked.

    Raises:
        BackupError: with what to do.
        MigrationError, UnsafeRole: the database is restored, but not migrated; nobody but its owner may read it.
    """
    manifest = read_manifest(directory)
    _require_fitting(site, directory, manifest, accept_other_secret=accept_other_secret)
    if database_at is not None:
        _programs_to_restore(site, database_at, manifest)
    files.verify(directory, manifest.files)
    progress(f"backup: {len(manifest.files)} files are as they were backed up")
    own = [(TENANTS, site.settings.tenants), (RECORD, site.settings.data)]
    places = [*((area.place, area.directory) for area in stored_files(site)), *own]
    missing = {place: files.missing_in(manifest.files, place, target) for place, target in places}
    target = database_at or make_database()
    with database.restoring(target.owner_url):
        programs = _programs_to_restore(site, target, manifest)
        for place, wanted in missing.items():
            files.put_back(directory, manifest.files, wanted)
            progress(f"{place}: {len(wanted)} files")
        database.restore(target.owner_url, programs, directory / DUMP, manifest.tables)
        progress(f"database: {sum(manifest.tables.values())} rows in {len(manifest.tables)} tables")
        _open_as_copy(target, site.components, datetime.fromisoformat(manifest.taken_at), progress)
    return manifest


def _programs_to_restore(site: Site, target: Target, manifest: Manifest) -> Programs:
    """The programs for a database, which is empty.

    Raises:
        BackupError: it is not, or there are no programs that fit.
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
                f"{directory} has tables of {component} at {revision}, which this version does not know: "
                f"restore it with version {manifest.version} or newer."
            )
    places = tuple(f"{area.place}/" for area in stored_files(site))
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
            "use --accept-other-secret: access tokens and signed links that were given out end then; customers stay "
            "logged in."
        )


def _open_as_copy(
    target: Target, components: Sequence[Migrations], taken_at: datetime, progress: Progress
) -> None:
    """Mark the copy before anybody but the tables' owner may read it, and then give the application its rights."""
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
    """Let a restored copy act on live payments; gives whether it was a copy that did not.

    Raises:
        BackupError: nothing was restored into the database.
        MigrationError: a restoration into it was interrupted.
    """
    with single_engine(owner_url).begin() as connection:
        refuse_while_restoring(connection)
        if not database.has_tables(connection):
            raise BackupError(
                "Nothing was restored into this database: restore a backup first, or correct the ini file if it is "
                "another database that is meant."
            )
        return activate(connection)
