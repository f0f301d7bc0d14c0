"""The schema of a plugin's settings."""

from __future__ import annotations

from marshmallow import Schema

from autonomy_core.settings import Settings
from autonomy_core.tenancy.fields import KeyPrefix, ProblemMessage, SecretField, WordsField
from autonomy_core.tenancy.secrets import Secret

__all__ = ["KeyPrefix", "ProblemMessage", "Secret", "SecretField", "Settings", "SettingsSchema", "WordsField"]


class SettingsSchema(Schema):
    """The base of a settings section's schema.

    Give every field ``metadata={"description": …}``: ``autonomy tenants new`` writes it into the ini file as
    a comment. Unknown keys are refused, with their line.
    """
