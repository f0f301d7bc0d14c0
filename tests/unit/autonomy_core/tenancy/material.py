"""Schemas, files and rules of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from autonomy_core.plugin_api.schemas import NumberInText
from autonomy_core.tenancy.domain import Problem
from autonomy_core.tenancy.fields import SecretField
from autonomy_core.tenancy.registry import TenantRegistry


class CardsSchema(Schema):
    """The settings of a plugin that takes payments by card."""

    environment = fields.String(
        required=True,
        validate=validate.OneOf(["test", "live"]),
        metadata={"description": "Which of the two sets of keys is used."},
    )
    test_secret_key = SecretField(
        required=True, prefixes=("sk_test_", "rk_test_"), metadata={"description": "The test key."}
    )
    secret_key = SecretField(prefixes=("sk_live_", "rk_live_"), metadata={"description": "The live key."})
    seal = SecretField(metadata={"description": "The seal.", "needed": "Required in live."})
    retries = NumberInText(load_default=2, metadata={"description": "How often to try again."})

    @validates_schema
    def _live_needs_its_key(self, data: dict[str, object], **kwargs: object) -> None:
        if data.get("environment") == "live" and "secret_key" not in data:
            raise ValidationError({"secret_key": ["needed in live"]})


class BrokenSchema(Schema):
    @validates_schema
    def _fail(self, data: dict[str, object], **kwargs: object) -> None:
        raise RuntimeError(f"quoting {data}")

    token = SecretField()


ACME = """\
[organisation]
name = Acme Records
currency = EUR
hosts = acme.example, localhost:6543
plugins = cards music

[cards]
environment = test
test_secret_key = sk_test_abcdef
"""


def count_as_unfinished_for(nanoseconds: int, registry: TenantRegistry) -> None:
    """Have a registry take a file without a final newline for incomplete, as `reading.UNFINISHED_NS` says."""
    registry._watched._loader.unfinished_ns = nanoseconds


def no_mistake(file: Path, text: str) -> Iterator[Problem]:
    """Find the word 'mistake' in a text of an organisation."""
    for number, line in enumerate(text.splitlines(), start=1):
        if "mistake" in line:
            yield Problem(file, number, "invalid_mail_template", "there is a mistake", "remove it")
