"""Where a backup finds the plugins' files, and where a restoration puts them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autonomy_core.backup import files
from autonomy_core.backup.domain import FILES, BackupError, FileFacts
from autonomy_core.files.area import FileArea
from autonomy_core.files.places import Place, own_store, storage_of_place
from autonomy_core.files.settings import PARTS
from autonomy_core.files.storage import is_key
from autonomy_core.images.settings import IMAGES
from autonomy_core.kernel.files import StoredFiles
from autonomy_core.kernel.manager import Plugins
from autonomy_core.settings import Settings
from autonomy_core.tenancy.loader import load_file
from autonomy_core.tenancy.reading import read_text, tenant_files
from autonomy_core.tenancy.stores import StoreSettings

CORE_AREAS = (IMAGES, PARTS)
"""The files of the core."""


def stored_files_of(plugins: Plugins) -> tuple[tuple[str, StoredFiles], ...]:
    """The files of the core and of all plugins: pairs of plugin, for the core of feature, and files."""
    offered = plugins.registered("register_files")
    return (
        *((area.plugin, area) for area in CORE_AREAS),
        *((plugin, each) for plugin, areas in offered for each in areas),
    )


@dataclass(frozen=True, slots=True)
class Area:
    """The files of one plugin.

    Attributes:
        place: their path in a backup.
        roots: the directories with the files. Restored files go into the first, unless ``remotes`` has them.
        remotes: the parts of stores on other servers with the files.
        own: the parts of organisations' own stores, by organisation.
        writes: where the server writes new files; None for the first of ``roots``.
        referred_to: a query for the names of the files that should exist, see `StoredFiles`.
    """

    place: str
    roots: tuple[Path, ...]
    remotes: tuple[Place, ...]
    own: Mapping[str, Place]
    writes: Place | None
    referred_to: str | None


def area_of(plugin: str, stored: StoredFiles, settings: Settings, own: Mapping[str, StoreSettings]) -> Area:
    """Find where the files of a plugin are.

    Args:
        plugin: the plugin.
        stored: its files.
        settings: the server's settings.
        own: the stores of organisations that have one, by organisation.
    """
    name = f"{FILES}/{plugin}/{stored.name}"
    if not isinstance(stored, FileArea) or stored.make_storage is not None:
        return Area(name, (stored.directory(settings),), (), {}, None, stored.referred_to)
    places = stored.places(settings)
    roots = tuple(place.root for place in places if place.root is not None)
    return Area(
        name,
        roots,
        tuple(place for place in places if place.root is None),
        {each: stored.places(settings, store)[0] for each, store in own.items()},
        places[0] if places[0].root is None else None,
        stored.referred_to,
    )


def own_stores(plugins: Plugins, settings: Settings) -> tuple[dict[str, StoreSettings], list[str]]:
    """Read the organisations' files.

    Returns:
        The stores of organisations that have one, by organisation; and the organisations with a section
        ``[files]`` whose files cannot be used, so that their stores are not known.
    """
    offered = dict(plugins.registered("register_settings"))
    schemas = {name: offered[name].organisation if name in offered else None for name in plugins.names}
    found, unknown = {}, []
    for path in tenant_files(settings.tenants):
        loaded = load_file(path, schemas)
        if loaded.organisation is None:
            unknown += [path.stem] if "[files]" in str(read_text(path)) else []
        elif (store := own_store(loaded.organisation)) is not None:
            found[path.stem] = store
    return found, unknown


def areas_of(plugins: Plugins, settings: Settings) -> list[Area]:
    """Find where the files of the core and of all plugins are."""
    own, _ = own_stores(plugins, settings)
    return [area_of(plugin, each, settings, own) for plugin, each in stored_files_of(plugins)]


def gaps(plugins: Plugins, settings: Settings) -> Iterator[str]:
    """Yield one sentence for each organisation whose store is not known."""
    _, unknown = own_stores(plugins, settings)
    for organisation_id in unknown:
        yield (
            f"tenants: {organisation_id}.ini has problems. If it names a store of its own, the files there "
            "are not in the backup. Run: autonomy tenants check"
        )


def copy_area(area: Area, backup: Path) -> Iterator[tuple[str, FileFacts]]:
    """Copy the files of a plugin into a backup, each once; yield the path in the backup and the facts.

    Raises:
        BackupError: a store does not answer.
        OSError: a directory cannot be read, or the backup cannot be written.
    """
    there: set[str] = set()
    for root in area.roots:
        for inner, facts in files.copy_tree(root, backup, area.place, there):
            there.add(inner)
            yield inner, facts
    sources: Sequence[tuple[Place, str | None]] = [(place, None) for place in area.remotes]
    for place, organisation_id in (*sources, *((place, each) for each, place in area.own.items())):
        for inner, facts in _copy_remote(place, organisation_id, backup, area.place, there):
            there.add(inner)
            yield inner, facts


def _copy_remote(
    place: Place, organisation_id: str | None, backup: Path, name: str, there: set[str]
) -> Iterator[tuple[str, FileFacts]]:
    storage = storage_of_place(place)
    with _naming(place):
        entries = list(storage.entries(organisation_id))
    for key, size in entries:
        inner = f"{name}/{key}"
        if inner in there:
            continue
        with _naming(place):
            try:
                chunks = storage.open_range(key, 0, size - 1)
            except FileNotFoundError:
                # Removed since it was listed, by the collection of unused files.
                continue
            facts = files.write(chunks, backup / inner)
        if facts.sha256 != key.rpartition("/")[2].partition(".")[0]:
            raise BackupError(f"{place}/{key} is damaged: its content is not the one that its name says.")
        yield inner, facts


@contextmanager
def _naming(place: Place) -> Iterator[None]:
    """Turn errors of a store into one with its address. Errors of files have a name already."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        raise BackupError(f"{place} cannot be used: {error}") from None


def missing_in_directories(
    plugins: Plugins, settings: Settings, known: Mapping[str, FileFacts]
) -> dict[str, dict[str, Path]]:
    """Return, by place, the files of a backup that belong into directories and are not there.

    Raises:
        BackupError: a directory has a different file of the same name.
    """
    missing = {}
    for area in areas_of(plugins, settings):
        if area.roots:
            local = {name: facts for name, facts in known.items() if target_of(area, name) is None}
            missing[area.place] = files.missing_in(local, area.place, area.roots[0])
    return missing


def put_into_stores(
    plugins: Plugins,
    settings: Settings,
    backup: Path,
    known: Mapping[str, FileFacts],
    progress: Callable[[str], None],
) -> None:
    """Put the files of a backup into the stores on other servers.

    Call it when the organisations' files are in place, because they may name stores of their own.

    Raises:
        BackupError: a store does not answer.
    """
    for area in areas_of(plugins, settings):
        if area.writes is not None or area.own:
            put = put_back(area, backup, known)
            progress(f"{area.place}: {'1 file' if put == 1 else f'{put} files'} into stores on other servers")


def put_back(area: Area, backup: Path, known: Mapping[str, FileFacts]) -> int:
    """Put the files of one area into the stores on other servers that the settings name.

    Returns:
        The number of files that were not there.

    Raises:
        BackupError: a store does not answer.
    """
    put = 0
    for name in sorted(known):
        place = target_of(area, name)
        if place is not None:
            with _naming(place):
                put += storage_of_place(place).put_file(name.removeprefix(f"{area.place}/"), backup / name)
    return put


def target_of(area: Area, name: str) -> Place | None:
    """The part of a store where a file of a backup belongs; None if it is a directory.

    Args:
        area: the area that may have the file.
        name: its path in the backup.
    """
    key = name.removeprefix(f"{area.place}/")
    if not is_key(key):
        return None
    return area.own.get(key.partition("/")[0], area.writes)
