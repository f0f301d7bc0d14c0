"""marshmallow fields and validators for a section of a tenant's ini, where every value is text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Self

from marshmallow import Schema, ValidationError, fields, validate

from autonomy_core.tenancy.domain import ProblemCode
from autonomy_core.tenancy.secrets import MASK, Secret, UnresolvedReferenceError, resolve


class ProblemMessage(str):
    """A validation message that also says which problem it is and what to do about it."""

    __slots__ = ("code", "remedy")

    code: ProblemCode
    remedy: str

    def __new__(cls, message: str, *, code: ProblemCode, remedy: str) -> Self:
        """Make the message; `remedy` says what to do about it."""
        self = super().__new__(cls, message)
        self.code = code
        self.remedy = remedy
        return self


class KeyPrefix(validate.Validator):
    """Refuses a key that does not begin with one of `prefixes`, without showing it.

    A prefix that contains ``_test_`` or ``_live_`` has a twin in the other environment; a key with the twin's
    prefix gets a code of its own, because that mistake takes or loses real money.
    """

    def __init__(self, *prefixes: str) -> None:
        self.prefixes = prefixes

    def __call__(self, value: str | Secret) -> str | Secret:
        """Return `value`, or raise ValidationError."""
        key = value.reveal() if isinstance(value, Secret) else value
        if not key.startswith(self.prefixes):
            raise ValidationError(self._message(key))
        return value

    def _message(self, key: str) -> ProblemMessage:
        wanted = " or ".join(f"{prefix}…" for prefix in self.prefixes)
        if key.startswith(self._twins("_test_", "_live_")):
            return ProblemMessage(
                "this is a live key where a test key belongs",
                code="live_key_in_test",
                remedy=f"give {wanted}",
            )
        if key.startswith(self._twins("_live_", "_test_")):
            return ProblemMessage(
                "this is a test key where a live key belongs",
                code="test_key_in_live",
                remedy=f"give {wanted}",
            )
        return ProblemMessage(
            "this key begins otherwise than expected", code="invalid_value", remedy=f"give {wanted}"
        )

    def _twins(self, ours: str, theirs: str) -> tuple[str, ...]:
        return tuple(prefix.replace(ours, theirs) for prefix in self.prefixes if ours in prefix)


class SecretField(fields.Field[Secret]):
    """A secret: written out, or ``env:NAME``, or ``file:path`` (relative to the ini's directory).

    prefixes: what the secret must begin with, see `KeyPrefix`; empty for anything.
    """

    def __init__(self, *, prefixes: tuple[str, ...] = (), **options: Any) -> None:
        super().__init__(**options)
        if prefixes:
            self.validators.insert(0, KeyPrefix(*prefixes))

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Secret:
        if not isinstance(value, str) or not value.strip():
            raise ValidationError("a secret cannot be empty")
        try:
            return Secret(resolve(value.strip()))
        except UnresolvedReferenceError as error:
            raise ValidationError(
                ProblemMessage(
                    str(error),
                    code="unresolved_reference",
                    remedy="correct the reference or what it refers to",
                )
            ) from None

    def _serialize(self, value: Secret | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else MASK


SEPARATED = "separated by commas, spaces or new lines"
"""How every list in an ini file is written."""


class WordsField(fields.Field[tuple[str, ...]]):
    """Several words, `SEPARATED`."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> tuple[str, ...]:
        if not isinstance(value, str):
            raise ValidationError(f"expected words, {SEPARATED}")
        return tuple(dict.fromkeys(re.findall(r"[^\s,]+", value)))


class SettingsSchema(Schema):
    """The base of a settings section's schema.

    Give every field ``metadata={"description": …}``: ``autonomy tenants new`` writes it into the ini file as
    a comment. Unknown keys are refused, with their line.
    """
