"""The keys of the server's ini file, and what may be written there."""

from __future__ import annotations

import re
from itertools import chain
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from autonomy_core.addresses import both_spellings
from autonomy_core.fields import NumberInText
from autonomy_core.tenancy.fields import SEPARATED, WordsField
from autonomy_core.tenancy.losses import DEFAULT_PERCENT
from autonomy_core.tenancy.schemas import HostsField


class AddressesField(WordsField):
    """IP addresses and networks; those of IPv4 in both spellings."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, ...]:
        addresses = super()._deserialize(value, attr, data, **kwargs)
        try:
            return tuple(chain.from_iterable(map(both_spellings, addresses)))
        except ValueError as error:
            raise ValidationError(f"{error}; write addresses or networks, {SEPARATED}.") from None


class ReferencesField(fields.Field[tuple[str, ...]]):
    """References to secrets, `SEPARATED`; a path may have blanks."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, ...]:
        parts = re.split(r"[,\n]|\s(?=\s*(?:env|file):)", str(value))
        return tuple(part.strip() for part in parts if part.strip())


def _is_database(url: str) -> None:
    try:
        is_ours = make_url(url).drivername.startswith("postgres")
    except (ArgumentError, ValueError):
        is_ours = False
    if not is_ours:
        # Without what is written: it may have a password.
        raise ValidationError("Write a PostgreSQL URL, such as postgresql://role:password@host/database.")


class ServerSchema(Schema):
    """The keys of the core in ``[app:main]``."""

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
    slow_per_address = NumberInText(
        data_key="autonomy.slow_per_address", load_default=100, validate=validate.Range(1, 100_000)
    )
    spool_megabytes = NumberInText(
        data_key="autonomy.spool_megabytes", load_default=4096, validate=validate.Range(1, 1_000_000)
    )
    database_url = fields.String(data_key="sqlalchemy.url", load_default=None, validate=_is_database)
    owner_url = fields.String(data_key="autonomy.owner_url", load_default=None, validate=_is_database)
    backup_url = fields.String(data_key="autonomy.backup_url", load_default=None, validate=_is_database)
    embedded_bin_dir = fields.String(data_key="embedded.bin_dir", load_default=None)
    embedded_fast = fields.Boolean(
        data_key="embedded.fast", load_default=False, error_messages={"invalid": "Write yes or no."}
    )
