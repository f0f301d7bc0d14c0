"""The consent to immediate delivery of digital content, which EU law wants before the delivery.

The organisation's setting `digital_consent` says whether a purchase needs it. The consent is stored with the
payment, and the receipt confirms it. This is not legal advice: an organisation has to check its own duties.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from autonomy_core.db.base import utcnow
from autonomy_core.errors import InvalidInput
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.payments.models import PaymentConsent
from autonomy_core.tenancy.domain import Organisation

TEXT_VERSION = "2026-11"
"""The version of `TEXTS`. A change of a text needs a new version."""

TEXTS: Mapping[str, str] = {
    "en": (
        "I agree that the digital content is delivered before the withdrawal period ends. I know that I lose "
        "my right of withdrawal as soon as the delivery has begun."
    ),
    "de": (
        "Ich bin einverstanden, dass die digitalen Inhalte vor Ablauf der Widerrufsfrist bereitgestellt "
        "werden. Ich weiß, dass mein Widerrufsrecht erlischt, sobald die Bereitstellung begonnen hat."
    ),
}
"""The text that buyers agree to, by language, unless the organisation has a text of its own."""


def texts_of(organisation: Organisation) -> Mapping[str, str]:
    """Return the texts that an organisation's buyers agree to, by language."""
    own = {"en": organisation.digital_consent_en, "de": organisation.digital_consent_de}
    return {**TEXTS, **{language: text for language, text in own.items() if text is not None}}


def version_of(texts: Mapping[str, str]) -> str:
    """Return the version of texts: `TEXT_VERSION`, or a part of the hash of an organisation's texts."""
    if texts == TEXTS:
        return TEXT_VERSION
    content = json.dumps(texts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


class ConsentRequired(InvalidInput):
    """The organisation sells only to buyers who agree to immediate delivery, with the current text."""

    code, title = "consent_required", "The buyer has to agree to immediate delivery"
    members: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "text_version": {"type": "string"},
        "texts": {"type": "object", "additionalProperties": {"type": "string"}},
    }


@dataclass(frozen=True, slots=True)
class Consent:
    """What a buyer has agreed to. The members that mean a consent were checked when the input was read.

    Attributes:
        text_version: the version of the text that the buyer has seen.
        locale: its language, one of `TEXTS`.
        client_network: the network of the buyer's client.
        given_at: when.
    """

    text_version: str
    locale: str
    client_network: str
    given_at: datetime


def consent_of(given: Mapping[str, Any] | None, client_network: str) -> Consent | None:
    """Return the consent of a validated purchase; None if it contains none."""
    if given is None:
        return None
    return Consent(given["text_version"], given["locale"], client_network, utcnow())


def require_consent(scope: TenantScope, consent: Consent | None) -> None:
    """Check that a purchase contains the consent, if the organisation requires one.

    Raises:
        ConsentRequired: it is missing, or it is for another version of the text.
    """
    texts = texts_of(scope.organisation)
    version = version_of(texts)
    missing = consent is None and scope.organisation.digital_consent == "required"
    if missing or (consent is not None and consent.text_version != version):
        raise ConsentRequired(
            "Show the text in the buyer's language, and send what the buyer has agreed to.",
            extra={"text_version": version, "texts": dict(texts)},
        )


def keep_consent(scope: TenantScope, payment_id: UUID, consent: Consent | None) -> None:
    """Store the consent with a new payment.

    Args:
        scope: the organisation, in the transaction that adds the payment.
        payment_id: the payment.
        consent: the consent, if there is one.
    """
    if consent is not None:
        scope.add(
            PaymentConsent(
                organisation_id=scope.organisation.id,
                payment_id=payment_id,
                text_version=consent.text_version,
                locale=consent.locale,
                text=texts_of(scope.organisation)[consent.locale],
                given_at=consent.given_at,
                client_network=consent.client_network,
            )
        )


def keep_consent_if_new(scope: TenantScope, payment_id: UUID, consent: Consent | None) -> None:
    """Store the consent with a payment that an earlier call has created, unless that call has stored one."""
    if consent is not None and find_consent(scope, payment_id) is None:
        keep_consent(scope, payment_id, consent)


def find_consent(scope: TenantScope, payment_id: UUID) -> PaymentConsent | None:
    """Return the consent that belongs to a payment, or None."""
    return scope.session.get(PaymentConsent, (scope.organisation.id, payment_id))
