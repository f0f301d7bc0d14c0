"""Loads the server's settings from its ini file into a frozen object, and reports all problems together."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from marshmallow import Schema, ValidationError

from autonomy_core.server_secrets import mail_password, previous_secrets, resolve_secret, server_secret
from autonomy_core.settings_schema import ServerSchema, SettingsError
from autonomy_core.tenancy.claims import ServerHosts
from autonomy_core.tenancy.fields import ProblemMessage
from autonomy_core.tenancy.record import RECORD, TenantRecord
from autonomy_core.tenancy.sealing import Sealing
from autonomy_core.tenancy.secrets import Secret
from autonomy_core.tenancy.settling import Rules
from autonomy_core.tenancy.stores import (
    SECRET_STORE_KEYS,
    STORE_KEYS,
    FilesSettings,
    StoreSettings,
    require_fitting_keys,
    store_of,
)
from autonomy_core.tenancy.validation import did_you_mean, remedy_for_empty


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in ``[app:main]``.

    Attributes:
        tenants: the directory of the organisations' ini files.
        tenants_loss_limit: the percentage of organisations whose files may disappear at once without an
            operator's confirmation.
        data: the directory of the embedded database, uploaded files and the generated secret.
        secret: the secret from which the organisations' keys are derived.
        previous_secrets: earlier secrets that are still accepted for verifying and decrypting.
        hosts: hosts that serve all organisations by path, and to which buyers may return.
        local_port: the port in links to the local machine; None for the one that the host has.
        default_organisation: the fallback for ``/api/v1`` when no organisation claims the host; None for no
            fallback.
        database_url: the URL with the application's role; None for the embedded server.
        owner_url: the URL with the role that owns the tables; only migrations use it.
        backup_url: the URL with a role that bypasses row-level security; only backups use it.
        embedded_bin_dir: the PostgreSQL programs for the embedded server; None for those of the wheel.
        embedded_fast: run the embedded server without durability, for tests.
        pool_size: the number of database connections that are kept open, and of threads.
        log_format: ``console`` or ``json``.
        log_level: the minimum level of logged messages.
        log_clients: how clients' addresses are logged: ``full``, ``shortened`` or ``none``.
        operations_public: whether ``/metrics`` and the details of ``/health/ready`` are public.
        trusted_proxies: addresses and networks of proxies whose headers about the client's address and HTTPS
            are trusted.
        worker_required_within: the server is not ready if no worker has run for this many seconds; None to
            ignore the worker.
        body_seconds: the maximum time until a body's first part, and between parts, in seconds.
        answer_seconds: the maximum time from the complete body to the answer, in seconds.
        hsts_days: for how many days browsers use HTTPS only for a host; 0 to leave it to the proxy.
        slow_per_address: the maximum number of concurrent slow requests of one address, per process.
        spool_megabytes: the maximum size of incomplete bodies in files, per process, in megabytes.
        mail_url: where mail is handed over; None for files in the data directory.
        mail_password: the password of that account.
        mail_from: the sender of mail of organisations without their own.
        mail_timeout: the maximum time for handing over one mail, in seconds.
        files: where files are stored.
        images_processor: the name of the program that decodes uploaded images.
        images_at_once: how many images a process decodes at once.
        images_collect_after_days: after how many days an image is removed that nothing uses.
        plugins: the settings of each plugin, by its name.
    """

    tenants: Path
    tenants_loss_limit: int
    data: Path
    secret: Secret
    previous_secrets: tuple[Secret, ...]
    hosts: tuple[str, ...]
    local_port: int | None
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
    hsts_days: int
    slow_per_address: int
    spool_megabytes: int
    worker_required_within: int | None
    mail_url: str | None
    mail_password: Secret | None
    mail_from: str | None
    mail_timeout: int
    files: FilesSettings
    images_processor: str
    images_at_once: int
    images_collect_after_days: int
    plugins: Mapping[str, Mapping[str, Any]]

    @property
    def accepted_secrets(self) -> tuple[Secret, ...]:
        """The secret and the previous secrets, without duplicates."""
        return tuple(dict.fromkeys((self.secret, *self.previous_secrets)))

    def require_tenants(self) -> None:
        """Check that the organisations' directory exists. Call it only if the organisations are needed.

        Raises:
            SettingsError: it does not exist; probably the key is misspelt.
        """
        if not self.tenants.is_dir():
            problem = (
                f"there is no directory {self.tenants}. The organisations' ini files are there: make it, or "
                "name another one."
            )
            raise SettingsError(("autonomy.tenants", problem))


OWN_PREFIXES = ("autonomy.", "sqlalchemy.", "embedded.")

MIN_SIMILARITY = 0.85
"""The minimum similarity (see `difflib`) of a misspelt prefix."""


def load_settings(
    raw: Mapping[str, Any], plugin_schemas: Mapping[str, type[Schema] | None], *, keep_secret: bool = True
) -> Settings:
    """Load the settings.

    Args:
        raw: the keys of ``[app:main]`` from PasteDeploy.
        plugin_schemas: the schema of each installed plugin's server settings, by name; None for no settings.
        keep_secret: whether to write a generated secret to its file. If False, nothing is written, and each
            call generates another secret.

    Raises:
        SettingsError: with all problems.
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
    files = _files(loaded)
    return Settings(
        **{
            **loaded,
            "tenants": Path(loaded["tenants"]).absolute(),
            "data": data,
            "secret": server_secret(loaded["secret"], data, keep=keep_secret),
            "mail_password": mail_password(loaded["mail_password"]),
            "previous_secrets": previous_secrets(loaded["previous_secrets"]),
            "embedded_bin_dir": Path(bin_dir) if bin_dir else None,
        },
        files=files,
        plugins=MappingProxyType(plugins),
    )


def _files(loaded: dict[str, Any]) -> FilesSettings:
    """Take the keys of stores out of the loaded values, and resolve their secrets."""
    store, previous = (_store(loaded, which) for which in ("", "previous_"))
    assert store is not None  # noqa: S101 - only the previous one may be missing
    others = ("timeout", "delivery", "accel_prefix", "url_seconds", "upload_hours")
    return FilesSettings(store, previous, **{key: loaded.pop(f"files_{key}") for key in others})


def _store(loaded: dict[str, Any], which: str) -> StoreSettings | None:
    values = {key: loaded.pop(f"files_{which}{key}") for key in STORE_KEYS}
    if which and values["url"] is None:
        return None
    for key in SECRET_STORE_KEYS:
        if values[key] is not None:
            values[key] = resolve_secret(f"autonomy.files.{which}{key}", values[key], shortest=1)
    try:
        # Again, now with what the references refer to.
        require_fitting_keys(values, {key: f"autonomy.files.{which}{key}" for key in STORE_KEYS})
    except ValidationError as error:
        found = error.messages_dict
        raise SettingsError(*((key, _problem_text(key, found[key], found, found)) for key in found)) from None
    return store_of(values)


def _misspelt_prefixes(raw: Mapping[str, Any], plugins: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Unused keys that resemble the server's or a plugin's keys. Other unused keys may be Pyramid's."""
    known = {*(prefix.removesuffix(".") for prefix in OWN_PREFIXES), *plugins}
    for key in raw:
        prefix, dot, rest = key.partition(".")
        close = difflib.get_close_matches(prefix.lower(), known, n=1, cutoff=MIN_SIMILARITY)
        if dot and close and prefix not in known:
            yield key, f"nothing reads this key; did you mean {f'{close[0]}.{rest}'!r}?"


def _load(
    prefix: str, schema: type[Schema], values: Mapping[str, Any], problems: list[tuple[str, str]]
) -> dict[str, Any]:
    loading = schema()
    fields_by_key = {field.data_key or name: field for name, field in loading.load_fields.items()}
    known = fields_by_key.keys()
    empty = {key for key in known & values.keys() if values[key] == ""}
    found: dict[str, Any] = {
        key: f"it has no value; {remedy_for_empty(required=fields_by_key[key].required)}" for key in empty
    }
    try:
        loaded: dict[str, Any] = loading.load({key: values[key] for key in values.keys() - empty})
    except ValidationError as error:
        found = error.messages_dict | found
    problems += [(f"{prefix}{key}", _problem_text(key, found[key], known, values)) for key in found]
    return {} if found else loaded


def _problem_text(key: str, messages: Any, known: Collection[str], values: Mapping[str, Any]) -> str:
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


def rules_of(settings: Settings) -> Rules:
    """Return the rules that decide which organisations and hosts are in service."""
    return Rules(
        server=ServerHosts(settings.hosts, settings.default_organisation),
        record=TenantRecord(settings.data / RECORD, Sealing(settings.accepted_secrets)),
        losses_percent=settings.tenants_loss_limit,
    )
