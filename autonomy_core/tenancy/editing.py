"""Changes tenants' files as a careful admin would: checked before it is written, and written as a whole."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autonomy_core.tenancy.domain import Organisation
from autonomy_core.tenancy.files import give_to, read_small_file, signature, write_whole
from autonomy_core.tenancy.loader import PluginSchemas, TenantLoader, tenant_files
from autonomy_core.tenancy.parser import parse
from autonomy_core.tenancy.rewriting import NotRewritable, with_keys
from autonomy_core.tenancy.secrets import Secret, UnresolvedReferenceError, resolve, resolving_from

BOM = b"\xef\xbb\xbf"

SECRETS = "secrets"
"""The directory, beside the ini files, for secrets; git ignores it."""


class EditError(Exception):
    """A tenant's file that is left as it was; the message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class WrittenSettings:
    """A plugin's section as it is written, references and all.

    Attributes:
        directory: where relative references start.
        texts: the values by key.
    """

    directory: Path
    texts: Mapping[str, str]

    def secret(self, key: str) -> Secret | None:
        """What a key's value is or refers to; None for a key that is not there, or leads nowhere."""
        if not self.texts.get(key):
            return None
        try:
            with resolving_from(self.directory):
                return Secret(resolve(self.texts[key]))
        except UnresolvedReferenceError:
            return None


class TenantEditor:
    """Reads and changes the files of one directory.

    Args:
        plugin_schemas: of the installed plugins; a file is only written if they have nothing to object to.
    """

    def __init__(self, directory: Path, plugin_schemas: PluginSchemas) -> None:
        self._directory = directory
        self._loader = TenantLoader(plugin_schemas)

    def ids(self) -> tuple[str, ...]:
        """Every organisation that has a file, whether that is in order or not; sorted."""
        return tuple(sorted(path.stem for path in self._files()))

    def written(self, organisation_id: str, plugin: str) -> WrittenSettings:
        """What an organisation's file says in a plugin's section.

        Raises:
            EditError: there is no such file, or it cannot be read.
        """
        section = parse(Path(), self._text(self._path(organisation_id))).sections.get(plugin)
        return WrittenSettings(self._directory, section.values() if section else {})

    def load(
        self, organisation_id: str, plugin: str, assumed: Mapping[str, str | None] | None = None
    ) -> Organisation:
        """The organisation that a file describes, or would describe if some keys were otherwise.

        Args:
            assumed: keys of the plugin's section with other values, which are not written anywhere.

        Raises:
            EditError: it would not be in order; the message has every problem.
        """
        path = self._path(organisation_id)
        return self._checked(path, self._changed(path, plugin, assumed or {}), "is not in order")

    def change(self, organisation_id: str, plugin: str, changes: Mapping[str, str | None]) -> Organisation:
        """Change keys of a plugin's section, and nothing else of the file; gives what it now describes.

        Raises:
            EditError: the file would not be in order, cannot be changed without harm, or was changed by
                somebody else meanwhile. It is as it was.
            OSError: it cannot be written.
        """
        path = self._path(organisation_id)
        before = signature(path)
        content = read_small_file(path)
        text = self._changed(path, plugin, changes)
        organisation = self._checked(path, text, "would not be in order, and is left as it was")
        if signature(path) != before:
            raise EditError(f"{path} was changed by somebody else just now; run the command again")
        replace_file(path, (BOM if content.startswith(BOM) else b"") + text.encode())
        return organisation

    def keep_secret(self, organisation_id: str, reference: str, secret: Secret) -> str:
        """Write a secret into a new file that its owner alone may read; gives the reference to it.

        Args:
            organisation_id: whose ini file's owner it gets.
            reference: ``file:path``; a number is appended if there is such a file.

        Raises:
            OSError: it cannot be written.
        """
        owner = self._path(organisation_id).stat()
        target = reference.removeprefix("file:")
        path = self._directory / target
        if not path.parent.exists():
            path.parent.mkdir(0o700)
            give_to(path.parent, owner)
        number, free = 1, target
        while (self._directory / free).exists():
            number += 1
            free = f"{target}-{number}"
        write_secret(self._directory / free, secret.reveal(), owner)
        return f"file:{free}"

    def forget_secret(self, reference: str) -> bool:
        """Remove a file in `SECRETS`, unless an ini file still refers to it; gives whether it was removed."""
        kind, _, target = reference.partition(":")
        path = self._directory / target
        ours = kind == "file" and Path(target).parts[:-1] == (SECRETS,)
        if not ours or not path.exists() or any(self._refers(each, reference) for each in self._files()):
            return False
        path.unlink()
        return True

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other commands from changing these files meanwhile; an admin's editor knows nothing of it.

        Raises:
            EditError: another command is at it.
        """
        # The directory itself: a file would be replaced under the lock, and a file for the lock alone be left.
        descriptor = os.open(self._directory, os.O_RDONLY)
        try:
            _lock(descriptor, self._directory)
            yield
        finally:
            os.close(descriptor)

    def _refers(self, path: Path, reference: str) -> bool:
        sections = parse(path, self._text(path)).sections.values()
        return any(reference in section.values().values() for section in sections)

    def _files(self) -> list[Path]:
        try:
            return tenant_files(self._directory)
        except OSError as error:
            raise EditError(f"the directory {self._directory} cannot be read: {error.strerror}") from None

    def _path(self, organisation_id: str) -> Path:
        path = self._directory / f"{organisation_id}.ini"
        if path not in self._files():
            raise EditError(f"there is no {path}; see autonomy tenants list")
        return path

    def _text(self, path: Path) -> str:
        try:
            return read_small_file(path).decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise EditError(
                f"{path} cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8'}"
            ) from None

    def _changed(self, path: Path, plugin: str, changes: Mapping[str, str | None]) -> str:
        text = self._text(path)
        if not changes:
            return text
        try:
            return with_keys(text, plugin, changes)
        except NotRewritable as error:
            raise EditError(f"{path} is left as it was: {error}") from None

    def _checked(self, path: Path, text: str, otherwise: str) -> Organisation:
        loaded = self._loader.load_text(path, text)
        if loaded.organisation is None:
            problems = "\n".join(str(problem) for problem in loaded.problems)
            raise EditError(f"{path} {otherwise}:\n{problems}")
        return loaded.organisation


def _lock(descriptor: int, directory: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise EditError(
            f"another command is changing the files in {directory}; wait until it is done"
        ) from None


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file, or what a link leads to, keeping its mode and owner. Others see the old file or the new one.

    Raises:
        OSError: it cannot be replaced, or its owner cannot be kept; it is as it was.
    """
    path = path.resolve()
    try:
        write_whole(path, content, like=path.stat())
    except PermissionError as error:
        raise PermissionError(error.errno, "run the command as the owner of the file", str(path)) from None


def write_secret(path: Path, text: str, owner: os.stat_result) -> None:
    """Write a new file that only its owner may read.

    Raises:
        OSError: there is one already, or it cannot be written.
    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        give_to(path, owner)
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
