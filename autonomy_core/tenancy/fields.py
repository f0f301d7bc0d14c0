"""marshmallow fields and validators for sections of tenants' ini files, whose values are strings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlsplit

from marshmallow import Schema, ValidationError, fields, validate

from autonomy_core.tenancy.domain import ProblemCode
from autonomy_core.tenancy.secrets import MASK, Secret, UnresolvedReferenceError, resolve


class ProblemMessage(str):
    """A validation message with the code of the problem and a remedy."""

    __slots__ = ("code", "remedy")

    code: ProblemCode
    remedy: str

    def __new__(cls, message: str, *, code: ProblemCode, remedy: str) -> Self:
        """Make the message. The remedy says what to do about the problem."""
        self = super().__new__(cls, message)
        self.code = code
        self.remedy = remedy
        return self


class KeyPrefix(validate.Validator):
    """Rejects keys that do not start with one of the prefixes, without showing the key.

    A prefix that contains ``_test_`` or ``_live_`` has a counterpart in the other environment. A key with
    that counterpart has its own problem code, because this mistake moves or loses real money.
    """

    def __init__(self, *prefixes: str) -> None:
        self.prefixes = prefixes

    def __call__(self, value: str | Secret) -> str | Secret:
        """Return the value.

        Raises:
            ValidationError: it starts with none of the prefixes.
        """
        key = value.reveal() if isinstance(value, Secret) else value
        if not key.startswith(self.prefixes):
            raise ValidationError(self._message(key))
        return value

    def _message(self, key: str) -> ProblemMessage:
        wanted = " or ".join(f"{prefix}…" for prefix in self.prefixes)
        if key.startswith(self._counterparts("_test_", "_live_")):
            return ProblemMessage(
                "this is a live key where a test key belongs",
                code="live_key_in_test",
                remedy=f"give {wanted}",
            )
        if key.startswith(self._counterparts("_live_", "_test_")):
            return ProblemMessage(
                "this is a test key where a live key belongs",
                code="test_key_in_live",
                remedy=f"give {wanted}",
            )
        return ProblemMessage(
            "this key begins otherwise than expected", code="invalid_value", remedy=f"give {wanted}"
        )

    def _counterparts(self, ours: str, theirs: str) -> tuple[str, ...]:
        return tuple(prefix.replace(ours, theirs) for prefix in self.prefixes if ours in prefix)


class SecretField(fields.Field[Secret]):
    """A secret: its value, ``env:NAME``, or ``file:path`` relative to the ini file's directory.

    Args:
        prefixes: prefixes of valid secrets, see `KeyPrefix`; empty to accept anything.
        options: further arguments of `marshmallow.fields.Field`.
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


class MailUrlField(fields.String):
    """Where mail is handed over, such as ``smtp://user@mail.example:587`` or ``directory:mail``.

    The scheme is the name of a mailer, which a plugin may provide.
    """

    _SCHEME = re.compile(r"([a-z][a-z0-9_]{0,62}):\S*", re.ASCII)
    _REMEDY = "give smtp://user@mail.example:587, smtps://user@mail.example or directory:mail"

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        url = str(super()._deserialize(value, attr, data, **kwargs))
        scheme = self._SCHEME.fullmatch(url)
        problem = "not the address of a mail account" if scheme is None else None
        if scheme is not None and scheme[1] in {"smtp", "smtps"}:
            problem = _problem_of_mail_server(url)
        if problem is not None:
            # Without the value, which may contain a password.
            raise ValidationError(ProblemMessage(problem, code="invalid_value", remedy=self._REMEDY))
        return url


def has_user(url: str | None) -> bool:
    """Whether the address of a mail account names a user, who needs a password."""
    return url is not None and "@" in url


def _problem_of_mail_server(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        is_server = bool(
            parts.hostname and parts.port != 0 and parts.path in {"", "/"} and not parts.fragment
        )
    except ValueError:
        is_server = False
    if not is_server:
        return "not the address of a mail server"
    if parts.password is not None:
        return "a password in the address; write it as the password, which is a secret"
    if parts.query == "tls=none" and parts.username is not None:
        return "without TLS, the password would be sent unencrypted"
    if parts.query not in {"", "tls=none"}:
        return "after the ? only tls=none is possible"
    return None


SEPARATED = "separated by commas, spaces or new lines"
"""The format of every list in an ini file."""


class WordsField(fields.Field[tuple[str, ...]]):
    """A list of words, `SEPARATED`."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> tuple[str, ...]:
        if not isinstance(value, str):
            raise ValidationError(f"expected words, {SEPARATED}")
        return tuple(dict.fromkeys(re.findall(r"[^\s,]+", value)))


class SettingsSchema(Schema):
    """The base class for the schema of a plugin's section.

    Give every field ``metadata={"description": …}``: ``autonomy tenants new`` writes it into the ini file as
    a comment. Unknown keys are rejected, with their line number.
    """
