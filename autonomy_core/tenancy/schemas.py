"""The schema of the section ``[organisation]``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from marshmallow import Schema, ValidationError, fields, validate

from autonomy_core.currencies import CURRENCIES
from autonomy_core.fields import Text
from autonomy_core.tenancy.domain import AfterDispute, AfterRefund
from autonomy_core.tenancy.fields import ProblemMessage, WordsField
from autonomy_core.tenancy.hosts import normalise_host

SECTION = "organisation"
LONGEST_NAME = 200


class HostsField(WordsField):
    """Host names, each with a port or without, normalised."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> tuple[str, ...]:
        words = super()._deserialize(value, attr, data, **kwargs)
        hosts = [normalise_host(word) for word in words]
        wrong = [word for word, host in zip(words, hosts, strict=True) if host is None]
        if wrong:
            message = f"not a host name: {', '.join(wrong)}"
            remedy = "give names such as shop.example or localhost:6543, without https:// or a path; a port is at most 65535"
            raise ValidationError(ProblemMessage(message, code="invalid_value", remedy=remedy))
        return tuple(dict.fromkeys(host for host in hosts if host is not None))


class CurrencyField(fields.String):
    """An ISO 4217 code in either case, kept in lower case."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        code = str(super()._deserialize(value, attr, data, **kwargs)).lower()
        if code not in CURRENCIES:
            remedy = "give the three letters of ISO 4217, such as eur or usd"
            raise ValidationError(ProblemMessage("not a currency", code="invalid_value", remedy=remedy))
        return code


class OrganisationSchema(Schema):
    """Who the organisation is and which plugins it uses."""

    name = Text(
        LONGEST_NAME,
        required=True,
        metadata={"description": "The name customers read."},
    )
    currency = CurrencyField(
        required=True,
        metadata={"description": "What prices are in: three letters of ISO 4217, such as eur or usd."},
    )
    hosts = HostsField(
        load_default=(),
        metadata={
            "description": "The host names this organisation answers to, and to which a payment may return."
            " A port is allowed: localhost:6543."
        },
    )
    plugins = WordsField(
        load_default=(),
        metadata={"description": "The plugins it uses; each may have a section of its own below."},
    )
    access_after_refund = fields.String(
        load_default="revoke",
        validate=validate.OneOf(get_args(AfterRefund)),
        metadata={
            "description": "keep or revoke: what becomes of a product whose payment was refunded as a whole."
        },
    )
    access_after_dispute = fields.String(
        load_default="revoke_until_won",
        validate=validate.OneOf(get_args(AfterDispute)),
        metadata={
            "description": "keep, revoke or revoke_until_won: what becomes of a product while the buyer's bank"
            " disputes its payment, and afterwards."
        },
    )
    refund_duplicates = fields.Boolean(
        load_default=False,
        error_messages={"invalid": "Write yes or no."},
        metadata={
            "description": "yes or no: whether a payment is given back by itself that was completed although the"
            " customer had bought the product again by then."
        },
    )
    purchase_during_dispute = fields.Boolean(
        load_default=False,
        error_messages={"invalid": "Write yes or no."},
        metadata={
            "description": "yes or no: whether a customer may buy a product again while their bank disputes a payment"
            " for it."
        },
    )
    support_email = fields.Email(load_default=None, metadata={"description": "Where customers get help."})
