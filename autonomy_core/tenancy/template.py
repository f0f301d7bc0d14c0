"""Writes the ini file of a new organisation, with an explanation of every key."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from marshmallow import Schema, fields, missing

from autonomy_core.tenancy.fields import SEPARATED, SecretField, WordsField
from autonomy_core.tenancy.loader import PluginSchemas
from autonomy_core.tenancy.schemas import CORE_SECTIONS, SECTION, OrganisationSchema

_WIDTH = 100

_HEADER = """\
# The organisation {id!r}: the file's name is its id. Changes take effect without a restart.
# Check them with: autonomy tenants check
#
# Comments stand on lines of their own. A value may go on in indented lines. A secret is written out, or
# env:NAME for an environment variable, or file:path for a file, relative to this directory.
"""


def new_tenant_ini(
    organisation_id: str, name: str, plugins: Sequence[str], schemas: PluginSchemas, currency: str = ""
) -> str:
    """Return the text of an ini file with the core's sections and one for each plugin.

    Required keys are active; unknown values are empty. Optional keys are comments with their default.

    Args:
        organisation_id: the organisation's id.
        name: the organisation's name.
        plugins: the names of its plugins.
        schemas: the schemas of the installed plugins.
        currency: an ISO 4217 code, or empty.

    Raises:
        KeyError: a plugin is not in ``schemas``.
    """
    known = {"name": name, "currency": currency, "plugins": " ".join(plugins)}
    parts = [_HEADER.format(id=organisation_id), _section(SECTION, OrganisationSchema(), known)]
    parts += [_section(section, schema(), {}) for section, schema in CORE_SECTIONS.items()]
    parts += [_section(plugin, schema(), {}) for plugin in plugins if (schema := schemas[plugin])]
    return "\n".join(parts)


def _section(name: str, schema: Schema, known: Mapping[str, str]) -> str:
    keys = (_key(field.data_key or key, field, known) for key, field in schema.load_fields.items())
    return "\n".join([f"[{name}]", *keys])


def _key(key: str, field: fields.Field[Any], known: Mapping[str, str]) -> str:
    value = known.get(key)
    mark = "" if value or field.required else "# "
    assignment = f"{mark}{key} = {value or _default(field)}".rstrip()
    return "\n".join([*_comment(field), assignment]) + "\n"


def _comment(field: fields.Field[Any]) -> list[str]:
    """The description, and whether the key is required; the metadata ``needed`` overrides that."""
    text = str(field.metadata.get("description", ""))
    notes = [
        "Required." if field.required else str(field.metadata.get("needed", "Optional.")),
        "A secret." if isinstance(field, SecretField) else "",
        f"Several are {SEPARATED}." if isinstance(field, WordsField) else "",
    ]
    text = " ".join(part for part in (text, *notes) if part)
    return [f"# {line}" for line in textwrap.wrap(text, _WIDTH)]


def _default(field: fields.Field[Any]) -> str:
    default = field.load_default
    if default is missing or default is None or callable(default) or isinstance(field, SecretField):
        return ""
    if isinstance(default, bool):
        return "yes" if default else "no"
    if isinstance(default, Iterable) and not isinstance(default, str):
        return " ".join(str(item) for item in default)
    return str(default)
