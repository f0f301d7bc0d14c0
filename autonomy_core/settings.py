"""The server's settings: its ini file becomes one frozen object, and every problem is reported at once."""

from __future__ import annotations

import difflib
import os
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from marshmallow import Schema, ValidationError

from autonomy_core.settings_schema import ServerSchema
from autonomy_core.tenancy.claims import ServerHosts
from autonomy_core.tenancy.fields import ProblemMessage
from autonomy_core.tenancy.record import RECORD, TenantRecord
from autonomy_core.tenancy.sealing import Sealing
from autonomy_core.tenancy.secrets import Secret, shown
from autonomy_core.tenancy.settling import Rules
from autonomy_core.tenancy.validation import did_you_mean
from autonomy_core.texts import is_utf8

SHORTEST_SECRET = 32

GENERATED_SECRET = "secret"  # noqa: S105 - a name
"""The file in the data directory that is made where ``autonomy.secret`` names no secret."""


class SettingsError(Exception):
    """The server's ini file cannot be used.

    Args:
        problems: each a key of ``[app:main]``, and what is wrong with it and how to mend it.
    """

    def __init__(self, *problems: tuple[str, str]) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(f"{key}: {text}" for key, text in self.problems)


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``[app:main]`` says.

    Attributes:
        tenants: the directory of the organisations' ini files.
        tenants_loss_limit: the share of the organisations, in percent, whose files may be gone at once before an
            operator has to accept it.
        data: where the embedded database, uploaded files and the generated secret are kept.
        secret: from which the organisations' keys are derived.
        previous_secrets: with which what is signed and sealed is accepted too.
        hosts: on which every organisation is reached by its path, and to which its buyers may return.
        default_organisation: whom ``/api/v1`` is about when the host is nobody's; None for nobody.
        database_url: of the application's own role; None for the embedded server.
        owner_url: of the role that owns the tables; only migrations use it.
        backup_url: of a role that bypasses row-level security; only backups use it.
        embedded_bin_dir: use these PostgreSQL binaries for the embedded server.
        pool_size: database connections kept, for as many threads.
        log_format: ``console`` or ``json``.
        log_level: the least that is logged.
        log_clients: how the log tells the client's address: ``full``, ``shortened`` or ``none``.
        operations_public: whether everybody may read ``/metrics`` and the details of ``/health/ready``.
        trusted_proxies: the addresses and networks of the proxies in front, which are believed when they tell
            for whom they ask, and whether by HTTPS.
        worker_required_within: a server that has seen no worker for so many seconds is not ready; None for one
            that is ready all the same.
        body_seconds: how long a request's body may take at first, and pause later.
        answer_seconds: how long a request may wait for its answer, once its body is there.
        slow_per_address: how many requests of one address may wait for their bodies or be sent files, in each process.
        spool_megabytes: how much of bodies that are not whole may lie in files, of each process.
        plugins: the settings of each plugin, by its name.
    """

    tenants: Path
    tenants_loss_limit: int
    data: Path
    secret: Secret
    previous_secrets: tuple[Secret, ...]
    hosts: tuple[str, ...]
    default_organisation: str | None
    database_url: str | None = field(repr=False)
    owner_url: str | None = field(repr=False)
    backup_url: str | None = field(repr=False)
    embedded_bin_dir: Path | None
    embedded_fast: bool
    pool_size: int
    log_format: str
    log_level: str
    log_clients: str
    operations_public: bool
    trusted_proxies: tuple[str, ...]
    body_seconds: int
    answer_seconds: int
    slow_per_address: int
    spool_megabytes: int
    worker_required_within: int | None
    plugins: Mapping[str, Mapping[str, Any]]

    @property
    def accepted_secrets(self) -> tuple[Secret, ...]:
        """The secret, and those before it, each once."""
        return tuple(dict.fromkeys((self.secret, *self.previous_secrets)))

    def require_tenants(self) -> None:
        """Check that the organisations' directory exists. Only who serves them needs it: it may be made later.

        Raises:
            SettingsError: it does not; most likely the key is misspelt.
        """
        if not self.tenants.is_dir():
            problem = (
                f"there is no directory {self.tenants}. The organisations' ini files are there: make it, or name "
                "another one."
            )
            raise SettingsError(("autonomy.tenants", problem))


OWN_PREFIXES = ("autonomy.", "sqlalchemy.", "embedded.")

ALIKE = 0.85
"""From which likeness on (see `difflib`) a prefix is taken for a misspelt one."""


def load_settings(
    raw: Mapping[str, Any], plugin_schemas: Mapping[str, type[Schema] | None], *, keep_secret: bool = True
) -> Settings:
    """Read the settings.

    Args:
        raw: what PasteDeploy gives: the keys of ``[app:main]``.
        plugin_schemas: for each installed plugin the schema of its server settings, or None.
        keep_secret: write a secret that has to be generated to its file. Without it nothing is written, and the
            secret is another one each time.

    Raises:
        SettingsError: with every problem.
    """
    problems: list[tuple[str, str]] = []
    own = {key: value for key, value in raw.items() if key.startswith(OWN_PREFIXES)}
    loaded = _load("", ServerSchema, own, problems)
    plugins = {
        name: MappingProxyType(_load(f"{name}.", schema or Schema, _section(raw, name), problems))
        for name, schema in plugin_schemas.items()
    }
    problems += _misspelt_prefixes(raw, plugin_schemas)
    if problems:
        raise SettingsError(*problems)
    data = Path(loaded["data"]).absolute()
    bin_dir = loaded.pop("embedded_bin_dir")
    return Settings(
        **{
            **loaded,
            "tenants": Path(loaded["tenants"]).absolute(),
            "data": data,
            "secret": _secret(loaded["secret"], data, keep=keep_secret),
            "previous_secrets": _previous_secrets(loaded["previous_secrets"]),
            "embedded_bin_dir": Path(bin_dir) if bin_dir else None,
        },
        plugins=MappingProxyType(plugins),
    )


def _misspelt_prefixes(raw: Mapping[str, Any], plugins: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Keys that nothing reads, and that look like those of the server or of a plugin. Others are Pyramid's, for example."""
    known = {*(prefix.removesuffix(".") for prefix in OWN_PREFIXES), *plugins}
    for key in raw:
        prefix, dot, rest = key.partition(".")
        close = difflib.get_close_matches(prefix.lower(), known, n=1, cutoff=ALIKE)
        if dot and close and prefix not in known:
            yield key, f"nothing reads this key; did you mean {f'{close[0]}.{rest}'!r}?"


def _load(
    prefix: str, schema: type[Schema], values: Mapping[str, Any], problems: list[tuple[str, str]]
) -> dict[str, Any]:
    loading = schema()
    known = {field.data_key or name for name, field in loading.load_fields.items()}
    empty = {key for key in known & values.keys() if values[key] == ""}
    found: dict[str, Any] = dict.fromkeys(empty, "it has no value; give it one, or remove the key")
    try:
        loaded: dict[str, Any] = loading.load({key: values[key] for key in values.keys() - empty})
    except ValidationError as error:
        found = error.messages_dict | found
    problems += [(f"{prefix}{key}", _in_words(key, found[key], known, values)) for key in found]
    return {} if found else loaded


def _in_words(key: str, messages: Any, known: Collection[str], values: Mapping[str, Any]) -> str:
    if key in values and key not in known:
        return f"there is no such key; {did_you_mean(key, known)}"
    if key in known and key not in values:
        return "it is missing; add it"
    texts = messages if isinstance(messages, list) else [messages]
    return " ".join(
        f"{each}; {each.remedy}" if isinstance(each, ProblemMessage) else str(each) for each in texts
    )


def _section(raw: Mapping[str, Any], plugin: str) -> dict[str, Any]:
    prefix = f"{plugin}."
    return {key.removeprefix(prefix): value for key, value in raw.items() if key.startswith(prefix)}


def _secret(reference: str | None, data: Path, *, keep: bool) -> Secret:
    """The secret that a reference names; with none, one that is generated in the data directory."""
    if reference is None:
        path = data / GENERATED_SECRET
        if not keep and not path.exists():
            return Secret(_new_secret())
        reference = f"file:{_generated_secret(path)}"
    return _referred_to("autonomy.secret", reference)


def _new_secret() -> str:
    return secrets.token_urlsafe(48)


def _previous_secrets(references: Iterable[str]) -> tuple[Secret, ...]:
    return tuple(_referred_to("autonomy.previous_secret", reference) for reference in references)


def _referred_to(key: str, reference: str) -> Secret:
    kind, _, rest = reference.partition(":")
    if kind == "file":
        text = _read_secret(key, reference, Path(rest))
    elif kind == "env":
        text = os.environ.get(rest, "")
        if not is_utf8(text):
            raise SettingsError((key, f"{_named(reference)} is not UTF-8 text."))
    else:
        raise SettingsError((key, "write a reference, env:NAME or file:/path, and not the secret itself."))
    if len(text) < SHORTEST_SECRET:
        problem = (
            f"{_named(reference)} must hold at least {SHORTEST_SECRET} characters; "
            "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
        raise SettingsError((key, problem))
    return Secret(text)


def _read_secret(key: str, reference: str, path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise SettingsError((key, f"{_named(reference)} cannot be read: {type(error).__name__}.")) from None


def _named(reference: str) -> str:
    """A reference as it is written, unless it may be a secret in the wrong place."""
    kind, _, path = reference.partition(":")
    is_file = kind == "file" and os.path.exists(path)  # noqa: PTH110 - which also takes what is no path
    return reference if is_file or shown(reference) else f"what {kind}: names"


def _generated_secret(path: Path) -> Path:
    """Make the file unless it is there."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_secret(path)
    except OSError as error:
        problem = (
            f"{path} cannot be made: {error.strerror or error}. The server keeps its data there: let its user write to "
            "the directory, or name another one."
        )
        raise SettingsError(("autonomy.data", problem)) from None
    return path


def _write_secret(path: Path) -> None:
    # Written whole under another name and linked: of two processes that start together, one wins.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        draft.touch(mode=0o600)
        draft.write_text(_new_secret(), "utf-8")
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)


def rules_of(settings: Settings) -> Rules:
    """Return by what it is decided which organisations are in service, and which hosts they have."""
    return Rules(
        server=ServerHosts(settings.hosts, settings.default_organisation),
        record=TenantRecord(settings.data / RECORD, Sealing(settings.accepted_secrets)),
        losses_percent=settings.tenants_loss_limit,
    )
