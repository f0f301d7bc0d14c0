"""The schema of a plugin's settings."""

from __future__ import annotations

from typing import Any

from marshmallow import validate

from autonomy_core.fields import NumberInText
from autonomy_core.settings import Settings
from autonomy_core.tenancy.fields import KeyPrefix, ProblemMessage, SecretField, SettingsSchema, WordsField
from autonomy_core.tenancy.secrets import Secret

__all__ = [
    "KeyPrefix",
    "ProblemMessage",
    "Secret",
    "SecretField",
    "Settings",
    "SettingsSchema",
    "WordsField",
    "positive_number",
]


def positive_number(default: int, largest: int, description: str) -> NumberInText:
    """Create a setting that is a whole number from 1 on.

    Args:
        default: the value if the key is absent.
        largest: the largest allowed value.
        description: the meaning, for the comment in the ini file.
    """
    limits: Any = validate.Range(1, largest)
    return NumberInText(load_default=default, validate=limits, metadata={"description": description})
