"""The schema of the section ``[organisation]``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import PurePosixPath
from typing import Any, get_args
from zoneinfo import available_timezones

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from autonomy_core.currencies import CURRENCIES
from autonomy_core.fields import EmailField, LanguageTag, NumberInText, Text
from autonomy_core.tenancy.domain import AfterDispute, AfterRefund, DigitalConsent
from autonomy_core.tenancy.fields import MailUrlField, ProblemMessage, SecretField, WordsField, has_user
from autonomy_core.tenancy.hosts import normalise_host
from autonomy_core.tenancy.stores import (
    STORE_KEYS,
    DeliveryField,
    EndpointField,
    KeyIdField,
    RegionField,
    StoreUrlField,
    require_fitting_keys,
)

SECTION = "organisation"
LONGEST_NAME = 200


class HostsField(WordsField):
    """Host names with or without a port, normalised."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> tuple[str, ...]:
        words = super()._deserialize(value, attr, data, **kwargs)
        hosts = [normalise_host(word) for word in words]
        wrong = [word for word, host in zip(words, hosts, strict=True) if host is None]
        if wrong:
            message = f"not a host name: {', '.join(wrong)}"
            remedy = (
                "give names such as shop.example or localhost:6543, without https:// or a path; "
                "a port is at most 65535"
            )
            raise ValidationError(ProblemMessage(message, code="invalid_value", remedy=remedy))
        return tuple(dict.fromkeys(host for host in hosts if host is not None))


class CurrencyField(fields.String):
    """An ISO 4217 currency code in upper or lower case; the value is in lower case."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        code = str(super()._deserialize(value, attr, data, **kwargs)).lower()
        if code not in CURRENCIES:
            remedy = "give the three letters of ISO 4217, such as eur or usd"
            raise ValidationError(ProblemMessage("not a currency", code="invalid_value", remedy=remedy))
        return code


class TimeZoneField(fields.String):
    """The name of a time zone in the IANA database."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        name = str(super()._deserialize(value, attr, data, **kwargs))
        if name not in _time_zones():
            remedy = "give a name such as Europe/Vienna or America/New_York"
            raise ValidationError(ProblemMessage("not a time zone", code="invalid_value", remedy=remedy))
        return name


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


LONGEST_CONSENT = 2000
"""Characters of the text of a consent."""


class OrganisationSchema(Schema):
    """The section ``[organisation]``: the organisation's name, hosts, plugins and rules."""

    name = Text(
        LONGEST_NAME,
        required=True,
        metadata={"description": "The name customers read."},
    )
    currency = CurrencyField(
        required=True,
        metadata={"description": "The currency of prices: three letters of ISO 4217, such as eur or usd."},
    )
    hosts = HostsField(
        load_default=(),
        metadata={
            "description": "The organisation's host names. Payments may return to them."
            " A port is allowed: localhost:6543."
        },
    )
    plugins = WordsField(
        load_default=(),
        metadata={"description": "The plugins it uses. Each may have its own section below."},
    )
    access_after_refund = fields.String(
        load_default="revoke",
        validate=validate.OneOf(get_args(AfterRefund)),
        metadata={
            "description": "keep or revoke: whether customers keep a product after its payment was refunded."
        },
    )
    access_after_dispute = fields.String(
        load_default="revoke_until_won",
        validate=validate.OneOf(get_args(AfterDispute)),
        metadata={
            "description": "keep, revoke or revoke_until_won: whether customers keep a product while their"
            " bank disputes its payment, and afterwards."
        },
    )
    refund_duplicates = fields.Boolean(
        load_default=False,
        error_messages={"invalid": "Write yes or no."},
        metadata={
            "description": "yes or no: whether a payment is refunded automatically if the customer had"
            " already paid for the product."
        },
    )
    purchase_during_dispute = fields.Boolean(
        load_default=False,
        error_messages={"invalid": "Write yes or no."},
        metadata={
            "description": "yes or no: whether a customer may buy a product again while their bank disputes"
            " a payment for it."
        },
    )
    time_zone = TimeZoneField(
        load_default="UTC",
        metadata={
            "description": "The time zone of days and months in figures and filters, such as Europe/Vienna."
        },
    )
    locale = LanguageTag(
        load_default=None,
        metadata={
            "description": "The language of mail to customers who have chosen none, such as de or de-AT. By"
            " default English."
        },
    )
    digital_consent = fields.String(
        load_default="no",
        validate=validate.OneOf(get_args(DigitalConsent)),
        metadata={
            "description": "no or required: whether buyers must agree that digital content is delivered at"
            " once, and that they lose the right of withdrawal by that."
        },
    )
    digital_consent_en = Text(
        LONGEST_CONSENT,
        lines=True,
        load_default=None,
        metadata={"description": "The text of that consent in English. By default the server's."},
    )
    digital_consent_de = Text(
        LONGEST_CONSENT,
        lines=True,
        load_default=None,
        metadata={"description": "The text of that consent in German. By default the server's."},
    )
    guest_purchases_per_address = NumberInText(
        load_default=60,
        validate=validate.Range(1, 100_000),
        metadata={
            "description": "How many purchases without an account a client address may begin in an hour."
        },
    )
    support_email = fields.Email(load_default=None, metadata={"description": "Where customers get help."})


def _in_data_directory(url: str) -> None:
    """Refuse files elsewhere. Otherwise an admin could have the server write into any directory."""
    scheme, _, path = url.partition(":")
    if scheme == "directory" and (PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts):
        message = "a directory outside of the server's data directory"
        raise ValidationError(
            ProblemMessage(message, code="invalid_value", remedy="give a name, such as directory:mail")
        )


class MailSchema(Schema):
    """The section ``[mail]``: how the organisation's mail looks, and from where it is sent."""

    from_address = EmailField(
        data_key="from",
        load_default=None,
        metadata={
            "description": "The sender's address. Its domain must allow the server to send (SPF, DKIM)."
        },
    )
    from_name = Text(
        LONGEST_NAME,
        load_default=None,
        metadata={"description": "The sender's name. By default the organisation's name."},
    )
    reply_to = EmailField(load_default=None, metadata={"description": "Where answers go."})
    staff = EmailField(
        load_default=None, metadata={"description": "Where the organisation's staff get notices."}
    )
    colour = fields.String(
        load_default=None,
        validate=validate.Regexp(r"#[0-9a-fA-F]{6}\Z", error="Write it like #1a2b3c."),
        metadata={"description": "The colour of headings and buttons, like #1a2b3c."},
    )
    logo = fields.Url(
        schemes={"https"},
        load_default=None,
        metadata={"description": "The https address of a picture for the head of every mail."},
    )
    url = MailUrlField(
        load_default=None,
        validate=_in_data_directory,
        metadata={
            "description": "An own account to send from, such as smtp://user@mail.example:587 or"
            " smtps://user@mail.example. By default the server's."
        },
    )
    password = SecretField(load_default=None, metadata={"description": "The password of that account."})

    @validates_schema(skip_on_field_errors=True)
    def _check_account(self, data: Mapping[str, Any], **_: Any) -> None:
        url, password = data["url"], data["password"]
        if url is None and password is not None:
            message = ProblemMessage(
                "a password without an account", code="invalid_value", remedy="give url, or remove the key"
            )
            raise ValidationError({"password": [message]})
        missing = ["from"] if url is not None and data["from_address"] is None else []
        missing += ["password"] if has_user(url) and password is None else []
        if missing:
            raise ValidationError({key: ["needed with url"] for key in missing})


class FilesSchema(Schema):
    """The section ``[files]``: the organisation's files: how many, where they are, and who sends them."""

    max_upload_mb = NumberInText(
        load_default=2000,
        validate=validate.Range(1, 100_000),
        metadata={
            "description": "How large an upload that can be continued may be, in MiB. The call that uses it"
            " may have a lower limit."
        },
    )
    storage_gb = NumberInText(
        load_default=None,
        validate=validate.Range(1, 1_000_000),
        metadata={
            "description": "How much the organisation may store, in GiB, with uploads that are not used yet."
            " By default as much as there is space for."
        },
    )

    delivery = DeliveryField(
        load_default=None,
        metadata={
            "description": "Who sends files to customers: server, accel (nginx), sendfile (lighttpd or"
            " Apache), redirect (the store or its CDN) or a plugin's delivery. By default the server's"
            " setting."
        },
    )

    url = StoreUrlField(
        remote_only=True,
        load_default=None,
        metadata={
            "description": "An own store for the organisation's files, such as s3://bucket/prefix. By default"
            " the server's."
        },
    )
    endpoint = EndpointField(
        load_default=None,
        metadata={"description": "The address of its server. By default that of AWS in the region."},
    )
    region = RegionField(
        load_default=None,
        metadata={"description": "The region of the bucket, such as eu-central-1. By default us-east-1."},
    )
    path_style = fields.Boolean(
        load_default=None,
        error_messages={"invalid": "Write yes or no."},
        metadata={
            "description": "yes or no: whether the bucket is in the path, and not in the name of the host. By"
            " default yes with an endpoint."
        },
    )
    access_key = SecretField(load_default=None, metadata={"description": "The id of its access key."})
    secret_key = SecretField(load_default=None, metadata={"description": "The access key."})
    public_endpoint = EndpointField(
        load_default=None,
        metadata={"description": "The address of that server for customers. By default the endpoint."},
    )
    cdn_url = EndpointField(
        load_default=None, metadata={"description": "The address of a CDN in front of the store."}
    )
    cdn_key_id = KeyIdField(
        load_default=None, metadata={"description": "The id of the key that signs URLs of the CDN."}
    )
    cdn_private_key = SecretField(
        load_default=None, metadata={"description": "That key: a private RSA key, as PEM."}
    )

    @validates_schema(skip_on_field_errors=True)
    def _check_store(self, data: Mapping[str, Any], **_: Any) -> None:
        names = {key: key for key in STORE_KEYS}
        require_fitting_keys({key: data[key] for key in names}, names)
        # With the account of the server, an organisation could name the bucket of another one.
        needed = ["secret_key"] if data["url"] else []
        needed += ["access_key"] if data["url"] and not data["url"].startswith("gs:") else []
        if missing := [key for key in needed if data[key] is None]:
            raise ValidationError({key: ["needed with url"] for key in missing})


class ImagesSchema(Schema):
    """The section ``[images]``: covers and other pictures."""

    max_upload_mb = NumberInText(
        load_default=20,
        validate=validate.Range(1, 200),
        metadata={"description": "How large an uploaded picture may be, in MiB."},
    )


CORE_SECTIONS: Mapping[str, type[Schema]] = {"files": FilesSchema, "images": ImagesSchema, "mail": MailSchema}
"""The sections that every file may have besides ``[organisation]``, whatever its plugins."""
