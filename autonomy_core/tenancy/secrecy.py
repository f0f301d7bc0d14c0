"""Which keys of an organisation's file may contain a secret."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from marshmallow import Schema

from autonomy_core.tenancy.fields import SecretField
from autonomy_core.tenancy.loader import PluginSchemas
from autonomy_core.tenancy.schemas import CORE_SECTIONS, SECTION


def is_secret(schemas: PluginSchemas, section: str, key: str) -> bool:
    """Whether a key may contain a secret. Keys of unknown sections may.

    Args:
        schemas: the schemas of the installed plugins.
        section: the name of the section.
        key: the key.
    """
    if section == SECTION:
        return False
    schema = CORE_SECTIONS.get(section) or schemas.get(section)
    return schema is None or _secrecy(schema).get(key, True)


@lru_cache(maxsize=64)
def _secrecy(schema: type[Schema]) -> Mapping[str, bool]:
    """For each key of a section: whether its value is a secret."""
    fields = schema().load_fields
    return {field.data_key or name: isinstance(field, SecretField) for name, field in fields.items()}
