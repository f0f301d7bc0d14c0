"""The settings of an organisation and of the server, and the keys of one environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields as fields_of
from operator import itemgetter
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from autonomy_core.plugin_api.payments import Environment
from autonomy_core.plugin_api.settings import KeyPrefix, ProblemMessage, Secret, SecretField, SettingsSchema

PLUGIN = "stripe_payments"

SOURCE = "stripe"
"""The name of Stripe as a source of webhooks: a segment of their URL, stored with each event."""

ENVIRONMENTS: tuple[Environment, ...] = ("test", "live")

REQUIRED = ("secret_key", "public_key", "webhook_secret")
"""The keys that an environment needs for sales."""

WEBHOOK_SECRETS = ("webhook_secret", "previous_webhook_secret")
"""The keys whose secrets verify an event, in the order in which they are tried."""

_ONE_WORD = re.compile(r"[\x21-\x7e]+")
ENDPOINT_ID = validate.Regexp(r"(we|ed)_[A-Za-z0-9_]+", error="an endpoint's id begins with we_ or ed_")


def key_name(environment: Environment, key: str) -> str:
    """Return the name of a key in the ini file: ``test_secret_key`` for test, ``secret_key`` for live."""
    return f"test_{key}" if environment == "test" else key


def _one_word(value: str | Secret) -> None:
    text = value.reveal() if isinstance(value, Secret) else value
    if not _ONE_WORD.fullmatch(text):
        raise ValidationError("it must be one word of ASCII characters")


def _secret(
    description: str, environment: Environment, *prefixes: str, needed: str | None = None
) -> SecretField:
    return SecretField(
        prefixes=prefixes,
        load_default=None,
        validate=[_one_word],
        metadata={"description": description, "needed": needed or _needed_in(environment)},
    )


def _previous_secret(environment: Environment) -> SecretField:
    return _secret(
        f"The secret for {environment} that is being replaced; it verifies as well.",
        environment,
        "whsec_",
        needed="Only while autonomy stripe webhook rotate is under way.",
    )


def _public(description: str, validator: Any, **metadata: str) -> fields.String:
    return fields.String(
        load_default=None,
        validate=[validator, _one_word],
        metadata={"description": description, **metadata},
    )


def _needed_in(environment: Environment) -> str:
    return f"Required if environment = {environment}."


class StripeSettings(SettingsSchema):
    """The section ``[stripe_payments]`` of an organisation."""

    environment = fields.String(
        required=True,
        validate=validate.OneOf(ENVIRONMENTS),
        metadata={"description": "test or live: where new payments are made."},
    )
    automatic_tax = fields.Boolean(
        load_default=False,
        error_messages={"invalid": "Write yes or no."},
        metadata={
            "description": "yes or no: whether Stripe Tax computes the tax that each price contains."
            " Activate it at Stripe first."
        },
    )
    test_secret_key = _secret("Stripe's secret or restricted key for test.", "test", "sk_test_", "rk_test_")
    test_public_key = _public(
        "Stripe's publishable key for test.", KeyPrefix("pk_test_"), needed=_needed_in("test")
    )
    test_webhook_secret = _secret("The signing secret of the webhook endpoint for test.", "test", "whsec_")
    test_webhook_endpoint_id = _public("The id of that endpoint.", ENDPOINT_ID)
    test_previous_webhook_secret = _previous_secret("test")
    test_previous_webhook_endpoint_id = _public("The id of the endpoint that is being replaced.", ENDPOINT_ID)
    secret_key = _secret("Stripe's secret or restricted key for live.", "live", "sk_live_", "rk_live_")
    public_key = _public(
        "Stripe's publishable key for live.", KeyPrefix("pk_live_"), needed=_needed_in("live")
    )
    webhook_secret = _secret("The signing secret of the webhook endpoint for live.", "live", "whsec_")
    webhook_endpoint_id = _public("The id of that endpoint.", ENDPOINT_ID)
    previous_webhook_secret = _previous_secret("live")
    previous_webhook_endpoint_id = _public("The id of the endpoint that is being replaced.", ENDPOINT_ID)

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def chosen_environment_is_complete(
        self, data: Mapping[str, Any], original: Mapping[str, Any], **_: Any
    ) -> None:
        """Check that the selected environment has every required key."""
        environment = data.get("environment")
        if environment is None:
            return
        missing = [name for key in REQUIRED if (name := key_name(environment, key)) not in original]
        if missing:
            raise ValidationError({name: [f"{environment} needs it"] for name in missing})

    @validates_schema(skip_on_field_errors=False)
    def environments_have_secrets_of_their_own(self, data: Mapping[str, Any], **_: Any) -> None:
        """Check that no secret is in both environments: the secret selects the environment of an event."""
        test, live = (
            {name: secret for key in WEBHOOK_SECRETS if (secret := data.get(name := key_name(each, key)))}
            for each in ENVIRONMENTS
        )
        for name, secret in live.items():
            same = next((other for other, known in test.items() if known == secret), None)
            if same:
                problem = ProblemMessage(
                    f"the same as {same}",
                    code="invalid_value",
                    remedy="give the secret of the live endpoint; Stripe has one for each",
                )
                raise ValidationError({name: [problem]})


class StripeServerSettings(SettingsSchema):
    """The keys ``stripe_payments.…`` of the server."""

    api_base = fields.Url(
        load_default=None,
        schemes={"http", "https"},
        require_tld=False,
        error_messages={"invalid": "Write an absolute URL, such as http://127.0.0.1:12111."},
        metadata={
            "description": "Where the Stripe simulator listens; without it the server talks to Stripe."
        },
    )


@dataclass(frozen=True, slots=True)
class Keys:
    """An organisation's keys of one environment; None for a key that is not set."""

    environment: Environment
    secret_key: Secret | None
    public_key: str | None
    webhook_secret: Secret | None
    webhook_endpoint_id: str | None
    previous_webhook_secret: Secret | None
    previous_webhook_endpoint_id: str | None

    @property
    def webhook_secrets(self) -> tuple[Secret, ...]:
        """The secrets that verify an event: the current one, then the one that is being replaced."""
        secrets = (self.webhook_secret, self.previous_webhook_secret)
        return tuple(secret for secret in secrets if secret is not None)


_FIELDS = {
    environment: itemgetter(*(key_name(environment, field.name) for field in fields_of(Keys)[1:]))
    for environment in ENVIRONMENTS
}
"""Getters of the fields of `Keys` from the settings, except ``environment``, which is the first field."""


def keys_of(settings: Mapping[str, Any], environment: Environment) -> Keys:
    """Return the keys of an environment.

    Args:
        settings: the organisation's section, as `StripeSettings` loads it.
        environment: "live" or "test".
    """
    return Keys(environment, *_FIELDS[environment](settings))


def all_keys(settings: Mapping[str, Any]) -> list[Keys]:
    """Return the keys of both environments."""
    return [keys_of(settings, environment) for environment in ENVIRONMENTS]
