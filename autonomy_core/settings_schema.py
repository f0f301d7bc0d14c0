"""The schema of the core's keys in the server's ini file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import chain
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from autonomy_core.addresses import both_spellings
from autonomy_core.fields import EmailField, NumberInText
from autonomy_core.tenancy.fields import SEPARATED, MailUrlField, WordsField, has_user
from autonomy_core.tenancy.losses import DEFAULT_PERCENT
from autonomy_core.tenancy.schemas import HostsField
from autonomy_core.tenancy.stores import (
    BY_NGINX,
    BY_REDIRECT,
    BY_SENDFILE,
    BY_SERVER,
    OWN_DIRECTORIES,
    REMOTE,
    STORE_KEYS,
    DeliveryField,
    EndpointField,
    KeyIdField,
    RegionField,
    StoreUrlField,
    require_fitting_keys,
)

_ACCEL_PREFIX = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+/", re.ASCII)


class SettingsError(Exception):
    """The server's ini file is invalid.

    Args:
        problems: pairs of a key of ``[app:main]`` and its problem with a remedy.
    """

    def __init__(self, *problems: tuple[str, str]) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(f"{key}: {text}" for key, text in self.problems)


class AddressesField(WordsField):
    """IP addresses and networks. IPv4 networks are returned in both notations."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, ...]:
        addresses = super()._deserialize(value, attr, data, **kwargs)
        try:
            return tuple(chain.from_iterable(map(both_spellings, addresses)))
        except ValueError as error:
            raise ValidationError(f"{error}; write addresses or networks, {SEPARATED}.") from None


class ReferencesField(fields.Field[tuple[str, ...]]):
    """References to secrets, `SEPARATED`. Paths may contain blanks."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, ...]:
        parts = re.split(r"[,\n]|\s(?=\s*(?:env|file):)", str(value))
        return tuple(part.strip() for part in parts if part.strip())


def _is_database(url: str) -> None:
    try:
        is_ours = make_url(url).drivername.startswith("postgres")
    except (ArgumentError, ValueError):
        is_ours = False
    if not is_ours:
        # Without the value, which may contain a password.
        raise ValidationError("Write a PostgreSQL URL, such as postgresql://role:password@host/database.")


def _is_accel_prefix(path: str) -> None:
    if not _ACCEL_PREFIX.fullmatch(path):
        raise ValidationError("Write the path of an internal location of nginx, such as /_files/.")


def _yes_or_no(key: str) -> fields.Boolean:
    return fields.Boolean(data_key=key, load_default=None, error_messages={"invalid": "Write yes or no."})


class ServerSchema(Schema):
    """The core's keys in ``[app:main]``."""

    tenants = fields.String(data_key="autonomy.tenants", required=True)
    data = fields.String(data_key="autonomy.data", required=True)
    secret = fields.String(data_key="autonomy.secret", load_default=None)
    tenants_loss_limit = NumberInText(
        data_key="autonomy.tenants_loss_limit",
        load_default=DEFAULT_PERCENT,
        validate=validate.Range(1, 100),
    )
    previous_secrets = ReferencesField(data_key="autonomy.previous_secret", load_default=())
    hosts = HostsField(data_key="autonomy.hosts", load_default=())
    local_port = NumberInText(
        data_key="autonomy.local_port", load_default=None, validate=validate.Range(1, 65535)
    )
    default_organisation = fields.String(data_key="autonomy.default_organisation", load_default=None)
    pool_size = NumberInText(data_key="autonomy.pool_size", load_default=10, validate=validate.Range(1, 200))
    log_format = fields.String(
        data_key="autonomy.log_format", load_default="console", validate=validate.OneOf(["console", "json"])
    )
    log_level = fields.String(
        data_key="autonomy.log_level",
        load_default="info",
        validate=validate.OneOf(["debug", "info", "warning", "error"]),
    )
    log_clients = fields.String(
        data_key="autonomy.log_clients",
        load_default="full",
        validate=validate.OneOf(["full", "shortened", "none"]),
    )
    operations_public = fields.Boolean(
        data_key="autonomy.operations_public",
        load_default=False,
        error_messages={"invalid": "Write yes or no."},
    )
    trusted_proxies = AddressesField(data_key="autonomy.trusted_proxies", load_default=())
    worker_required_within = NumberInText(
        data_key="autonomy.worker_required_within", load_default=None, validate=validate.Range(120)
    )
    body_seconds = NumberInText(
        data_key="autonomy.body_seconds", load_default=30, validate=validate.Range(1, 3600)
    )
    answer_seconds = NumberInText(
        data_key="autonomy.answer_seconds", load_default=120, validate=validate.Range(60, 3600)
    )
    hsts_days = NumberInText(data_key="autonomy.hsts_days", load_default=0, validate=validate.Range(0, 730))
    slow_per_address = NumberInText(
        data_key="autonomy.slow_per_address", load_default=100, validate=validate.Range(1, 100_000)
    )
    spool_megabytes = NumberInText(
        data_key="autonomy.spool_megabytes", load_default=4096, validate=validate.Range(1, 1_000_000)
    )
    mail_url = MailUrlField(data_key="autonomy.mail.url", load_default=None)
    mail_password = fields.String(data_key="autonomy.mail.password", load_default=None)
    mail_from = EmailField(data_key="autonomy.mail.from", load_default=None)
    mail_timeout = NumberInText(
        data_key="autonomy.mail.timeout", load_default=60, validate=validate.Range(5, 600)
    )
    files_url = StoreUrlField(data_key="autonomy.files.url", load_default=None)
    files_endpoint = EndpointField(data_key="autonomy.files.endpoint", load_default=None)
    files_region = RegionField(data_key="autonomy.files.region", load_default=None)
    files_path_style = _yes_or_no("autonomy.files.path_style")
    files_access_key = fields.String(data_key="autonomy.files.access_key", load_default=None)
    files_secret_key = fields.String(data_key="autonomy.files.secret_key", load_default=None)
    files_public_endpoint = EndpointField(data_key="autonomy.files.public_endpoint", load_default=None)
    files_cdn_url = EndpointField(data_key="autonomy.files.cdn_url", load_default=None)
    files_cdn_key_id = KeyIdField(data_key="autonomy.files.cdn_key_id", load_default=None)
    files_cdn_private_key = fields.String(data_key="autonomy.files.cdn_private_key", load_default=None)
    files_previous_url = StoreUrlField(data_key="autonomy.files.previous_url", load_default=None)
    files_previous_endpoint = EndpointField(data_key="autonomy.files.previous_endpoint", load_default=None)
    files_previous_region = RegionField(data_key="autonomy.files.previous_region", load_default=None)
    files_previous_path_style = _yes_or_no("autonomy.files.previous_path_style")
    files_previous_access_key = fields.String(
        data_key="autonomy.files.previous_access_key", load_default=None
    )
    files_previous_secret_key = fields.String(
        data_key="autonomy.files.previous_secret_key", load_default=None
    )
    files_previous_public_endpoint = EndpointField(
        data_key="autonomy.files.previous_public_endpoint", load_default=None
    )
    files_previous_cdn_url = EndpointField(data_key="autonomy.files.previous_cdn_url", load_default=None)
    files_previous_cdn_key_id = KeyIdField(data_key="autonomy.files.previous_cdn_key_id", load_default=None)
    files_previous_cdn_private_key = fields.String(
        data_key="autonomy.files.previous_cdn_private_key", load_default=None
    )
    files_timeout = NumberInText(
        data_key="autonomy.files.timeout", load_default=20, validate=validate.Range(1, 600)
    )
    files_delivery = DeliveryField(data_key="autonomy.files.delivery", load_default=BY_SERVER)
    files_accel_prefix = fields.String(
        data_key="autonomy.files.accel_prefix", load_default=None, validate=_is_accel_prefix
    )
    files_url_seconds = NumberInText(
        data_key="autonomy.files.url_seconds", load_default=900, validate=validate.Range(60, 86_400)
    )
    files_upload_hours = NumberInText(
        data_key="autonomy.files.upload_hours", load_default=24, validate=validate.Range(1, 720)
    )
    images_processor = fields.String(data_key="autonomy.images.processor", load_default="pillow")
    images_at_once = NumberInText(
        data_key="autonomy.images.at_once", load_default=2, validate=validate.Range(1, 64)
    )
    images_collect_after_days = NumberInText(
        data_key="autonomy.images.collect_after_days", load_default=30, validate=validate.Range(1, 3650)
    )
    database_url = fields.String(data_key="sqlalchemy.url", load_default=None, validate=_is_database)
    owner_url = fields.String(data_key="autonomy.owner_url", load_default=None, validate=_is_database)
    backup_url = fields.String(data_key="autonomy.backup_url", load_default=None, validate=_is_database)
    embedded_bin_dir = fields.String(data_key="embedded.bin_dir", load_default=None)
    embedded_fast = fields.Boolean(
        data_key="embedded.fast", load_default=False, error_messages={"invalid": "Write yes or no."}
    )

    @validates_schema(skip_on_field_errors=True)
    def _check_mail(self, data: Mapping[str, Any], **_: Any) -> None:
        url = data["mail_url"]
        sends = url is not None and not url.startswith("directory:")
        missing = ["from"] if sends and data["mail_from"] is None else []
        missing += ["password"] if has_user(url) and data["mail_password"] is None else []
        if missing:
            raise ValidationError(
                {f"autonomy.mail.{key}": ["needed with autonomy.mail.url"] for key in missing}
            )

    @validates_schema(skip_on_field_errors=True)
    def _check_files(self, data: Mapping[str, Any], **_: Any) -> None:
        for which in ("", "previous_"):
            values = {key: data[f"files_{which}{key}"] for key in STORE_KEYS}
            require_fitting_keys(values, {key: f"autonomy.files.{which}{key}" for key in STORE_KEYS})
        if data["files_previous_url"] == (data["files_url"] or OWN_DIRECTORIES):
            problem = "it is the store that autonomy.files.url names; remove it, or name the former one"
            raise ValidationError({"autonomy.files.previous_url": [problem]})

    @validates_schema(skip_on_field_errors=True)
    def _check_delivery(self, data: Mapping[str, Any], **_: Any) -> None:
        delivery, scheme = data["files_delivery"], (data["files_url"] or OWN_DIRECTORIES).partition(":")[0]
        signs = data["files_cdn_url"] or (scheme == "s3" and data["files_secret_key"])
        problem = None
        if delivery == BY_NGINX and data["files_accel_prefix"] is None:
            problem = "it needs autonomy.files.accel_prefix; add it, and the location to nginx"
        elif delivery == BY_SENDFILE and not data["trusted_proxies"]:
            problem = "it needs autonomy.trusted_proxies, with the address of the proxy"
        elif delivery in {BY_NGINX, BY_SENDFILE} and scheme in REMOTE:
            problem = f"a proxy has no files of {scheme}://; write {BY_REDIRECT} or {BY_SERVER}"
        elif delivery == BY_REDIRECT and not signs:
            problem = (
                "the store has no signed URLs; give s3:// with access_key and secret_key, give a CDN, or "
                f"write {BY_SERVER}"
            )
        if problem is not None:
            raise ValidationError({"autonomy.files.delivery": [problem]})
        if data["files_accel_prefix"] is not None and not data["trusted_proxies"]:
            problem = "it needs autonomy.trusted_proxies, with the address of nginx"
            raise ValidationError({"autonomy.files.accel_prefix": [problem]})
