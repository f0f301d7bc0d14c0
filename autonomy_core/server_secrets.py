"""The server's secrets: where the ini file's references lead, and the secret that the server generates."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from autonomy_core.settings_schema import SettingsError
from autonomy_core.tenancy.secrets import Secret, shown
from autonomy_core.texts import is_utf8

SHORTEST_SECRET = 32

GENERATED_SECRET = "secret"  # noqa: S105 - a name
"""The name of the generated secret's file in the data directory, if ``autonomy.secret`` is not set."""


def server_secret(reference: str | None, data: Path, *, keep: bool) -> Secret:
    """Return the secret that the reference names, or a generated one in the data directory.

    Args:
        reference: ``env:NAME`` or ``file:/path``; with None, the secret is generated at first use.
        data: the data directory.
        keep: whether a generated secret is written to its file.

    Raises:
        SettingsError: the reference leads to no secret of `SHORTEST_SECRET` characters.
    """
    if reference is None:
        path = data / GENERATED_SECRET
        if not keep and not path.exists():
            return Secret(_new_secret())
        reference = f"file:{_generated_secret(path)}"
    return resolve_secret("autonomy.secret", reference)


def _new_secret() -> str:
    return secrets.token_urlsafe(48)


def previous_secrets(references: Iterable[str]) -> tuple[Secret, ...]:
    """Return the former secrets, which are accepted but not used any more.

    Raises:
        SettingsError: as `server_secret` lists.
    """
    return tuple(resolve_secret("autonomy.previous_secret", reference) for reference in references)


def mail_password(reference: str | None) -> Secret | None:
    """Return the password of the server's SMTP account; None without a reference.

    Raises:
        SettingsError: the reference leads to no secret.
    """
    return None if reference is None else resolve_secret("autonomy.mail.password", reference, shortest=1)


def resolve_secret(key: str, reference: str, *, shortest: int = SHORTEST_SECRET) -> Secret:
    """Return the secret that a reference names.

    Args:
        key: the key of the ini file, for the error.
        reference: ``env:NAME`` or ``file:/path``.
        shortest: the minimum number of characters.

    Raises:
        SettingsError: there is no such secret, or it is too short.
    """
    kind, _, rest = reference.partition(":")
    if kind == "file":
        text = _read_secret(key, reference, Path(rest))
    elif kind == "env":
        text = os.environ.get(rest, "")
        if not is_utf8(text):
            raise SettingsError((key, f"{_displayed(reference)} is not UTF-8 text."))
    else:
        raise SettingsError((key, "write a reference, env:NAME or file:/path, and not the secret itself."))
    if len(text) < shortest:
        problem = (
            f"{_displayed(reference)} is empty."
            if shortest == 1
            else f"{_displayed(reference)} must hold at least {shortest} characters; "
            "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
        raise SettingsError((key, problem))
    return Secret(text)


def _read_secret(key: str, reference: str, path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise SettingsError(
            (key, f"{_displayed(reference)} cannot be read: {type(error).__name__}.")
        ) from None


def _displayed(reference: str) -> str:
    """The reference, unless it may be a misplaced secret."""
    kind, _, path = reference.partition(":")
    is_file = kind == "file" and os.path.exists(path)  # noqa: PTH110 - it accepts invalid paths
    return reference if is_file or shown(reference) else f"what {kind}: names"


def _generated_secret(path: Path) -> Path:
    """Create the file if it is missing."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_secret(path)
    except OSError as error:
        problem = (
            f"{path} cannot be made: {error.strerror or error}. The server keeps its data there: let its "
            "user write to the directory, or name another one."
        )
        raise SettingsError(("autonomy.data", problem)) from None
    return path


def _write_secret(path: Path) -> None:
    # Write a temporary file and link it: if two processes start together, one of them succeeds.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        draft.touch(mode=0o600)
        draft.write_text(_new_secret(), "utf-8")
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
