"""Changes tenants' files safely: checks the new content first, then replaces the file atomically."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autonomy_core.tenancy.domain import Organisation
from autonomy_core.tenancy.files import give_to, read_small_file, signature, write_whole
from autonomy_core.tenancy.loader import PluginSchemas, TenantLoader
from autonomy_core.tenancy.parser import parse
from autonomy_core.tenancy.reading import tenant_files
from autonomy_core.tenancy.rewriting import NotRewritable, with_keys
from autonomy_core.tenancy.secrets import Secret, UnresolvedReferenceError, resolve, resolving_from
from autonomy_core.tenancy.texts import ACCEPT_MAIL, MailChecks

BOM = b"\xef\xbb\xbf"

SECRETS = "secrets"
"""The name of the directory for secret files, beside the ini files; git ignores it."""


class EditError(Exception):
    """A tenant's file was not changed. The message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class WrittenSettings:
    """A plugin's section as it is written, with unresolved references.

    Attributes:
        directory: the base of relative references.
        texts: the values by key.
    """

    directory: Path
    texts: Mapping[str, str]

    def secret(self, key: str) -> Secret | None:
        """The resolved value of a key; None if the key is missing or its reference has no value."""
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
        directory: the directory of the organisations' files.
        plugin_schemas: the schemas of the installed plugins. A file is only written if they accept it.
        mail_checks: what mail adds to the schemas.
    """

    def __init__(
        self, directory: Path, plugin_schemas: PluginSchemas, mail_checks: MailChecks = ACCEPT_MAIL
    ) -> None:
        self._directory = directory
        self._loader = TenantLoader(plugin_schemas, mail_checks)

    def ids(self) -> tuple[str, ...]:
        """The sorted ids of all organisations with a file, including files with problems."""
        return tuple(sorted(path.stem for path in self._files()))

    def written(self, organisation_id: str, plugin: str) -> WrittenSettings:
        """Read a plugin's section of an organisation's file.

        Args:
            organisation_id: the organisation.
            plugin: the section.

        Raises:
            EditError: there is no such file, or it cannot be read.
        """
        section = parse(Path(), self._text(self._path(organisation_id))).sections.get(plugin)
        return WrittenSettings(self._directory, section.values() if section else {})

    def load(
        self, organisation_id: str, plugin: str, assumed: Mapping[str, str | None] | None = None
    ) -> Organisation:
        """The organisation that the file describes, or would describe with other values.

        Args:
            organisation_id: the organisation.
            plugin: the section that ``assumed`` is about.
            assumed: other values for keys of that section. They are not written; None removes the key.

        Raises:
            EditError: the result would have problems; the message contains all of them.
        """
        path = self._path(organisation_id)
        return self._checked(path, self._changed(path, plugin, assumed or {}), "is not in order")

    def change(self, organisation_id: str, plugin: str, changes: Mapping[str, str | None]) -> Organisation:
        """Change keys of a plugin's section, and nothing else in the file.

        Args:
            organisation_id: the organisation.
            plugin: the section.
            changes: the new values by key; None removes the key.

        Returns:
            The organisation that the file describes now.

        Raises:
            EditError: the file would have problems, cannot be changed safely, or changed concurrently. It is
                unchanged.
            OSError: it cannot be written.
        """
        path = self._path(organisation_id)
        before = signature(path)
        content = read_small_file(path)
        text = self._changed(path, plugin, changes)
        organisation = self._checked(path, text, "would not be in order, and is left as it was")
        if signature(path) != before:
            raise EditError(f"{path} was changed by another program just now; run the command again")
        replace_file(path, (BOM if content.startswith(BOM) else b"") + text.encode())
        return organisation

    def keep_secret(self, organisation_id: str, reference: str, secret: Secret) -> str:
        """Write a secret into a new file that only its owner may read.

        Args:
            organisation_id: the organisation whose ini file determines the owner.
            reference: ``file:path``. A number is appended to the path if the file exists.
            secret: the secret.

        Returns:
            The reference to the file.

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
        """Remove a file in `SECRETS`, unless an ini file refers to it. Returns whether it was removed."""
        kind, _, target = reference.partition(":")
        path = self._directory / target
        ours = kind == "file" and Path(target).parts[:-1] == (SECRETS,)
        if not ours or not path.exists() or any(self._refers(each, reference) for each in self._files()):
            return False
        path.unlink()
        return True

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock against other commands. It does not affect editors.

        Raises:
            EditError: another command holds the lock.
        """
        # Lock the directory: files are replaced under the lock, and a separate lock file would remain.
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
    """Replace a file, or the target of a link, atomically. Its mode and owner stay.

    Args:
        path: the file or link.
        content: the new content.

    Raises:
        OSError: it cannot be replaced, or its owner cannot be kept. The old file is unchanged.
    """
    path = path.resolve()
    try:
        write_whole(path, content, like=path.stat())
    except PermissionError as error:
        raise PermissionError(error.errno, "run the command as the owner of the file", str(path)) from None


def write_secret(path: Path, text: str, owner: os.stat_result) -> None:
    """Write a new file that only its owner may read.

    Args:
        path: the file.
        text: the content, to which a newline is added.
        owner: the status of a file with the wanted owner.

    Raises:
        OSError: the file exists, or it cannot be written.
    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        give_to(path, owner)
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
