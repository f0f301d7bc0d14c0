"""The key ``providers`` of an organisation's ini file."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from marshmallow import ValidationError

from autonomy_core.plugin_api.settings import SecretField
from customer_auth.providers.domain import BadProvider, Provider, words_of


class ProvidersField(SecretField):
    """One provider in each line, by name; see `FORM`. The whole key counts as secret, because a part is."""

    def _deserialize(  # type: ignore[override] # several secrets, with what belongs to each
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Mapping[str, Provider]:
        found: dict[str, Provider] = {}
        for number, line in enumerate(filter(str.strip, str(value).split("\n")), start=1):
            try:
                name, issuer, client_id, reference, hosts = words_of(line)
            except BadProvider as error:
                raise ValidationError(f"provider {number}: {error}") from None
            if name in found:
                raise ValidationError(f"provider {number}: the name is used twice")
            secret = super()._deserialize(reference, attr, data, **kwargs)
            found[name] = Provider(name, issuer, client_id, secret, hosts)
        return MappingProxyType(found)
