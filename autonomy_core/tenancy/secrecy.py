"""Which keys of an organisation's file may hold a secret."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from marshmallow import Schema

from autonomy_core.tenancy.fields import SecretField
from autonomy_core.tenancy.loader import PluginSchemas
from autonomy_core.tenancy.schemas import SECTION


def is_secret(schemas: PluginSchemas, section: str, key: str) -> bool:
    """Whether a key may hold a secret; of one that nothing knows nobody can say that it does not."""
    if section == SECTION:
        return False
    schema = schemas.get(section)
    return schema is None or _secrecy(schema).get(key, True)


@lru_cache(maxsize=64)
def _secrecy(schema: type[Schema]) -> Mapping[str, bool]:
    """By the keys of a section, whether they hold secrets."""
    fields = schema().load_fields
    return {field.data_key or name: isinstance(field, SecretField) for name, field in fields.items()}
