"""The two ceremonies of WebAuthn, with the library `webauthn`: create a passkey, and sign with it.

Only this module imports the library, and only requests about passkeys import this module, because the library
needs 15 MiB.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import webauthn
from webauthn.helpers import base64url_to_bytes, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

TIMEOUT_MS = 300_000

MALFORMED = (
    WebAuthnException, ValueError, TypeError, LookupError, AttributeError, OverflowError, EOFError,
    RecursionError,
)  # fmt: skip
"""What the library raises for input that is no credential, or a wrong one."""


class Unverified(Exception):
    """The credential is malformed, or was not made for this challenge, host or origin."""


@dataclass(frozen=True, slots=True)
class Account:
    """How an authenticator shows an account."""

    handle: bytes
    name: str
    display_name: str


@dataclass(frozen=True, slots=True)
class NewCredential:
    """What is kept of a new passkey; see `models.Passkey`."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    backed_up: bool
    user_verified: bool


@dataclass(frozen=True, slots=True)
class Signature:
    """A verified signature of a passkey."""

    sign_count: int
    backed_up: bool
    user_verified: bool


def creation_options(
    rp_id: str, rp_name: str, account: Account, challenge: bytes, known: Sequence[bytes]
) -> dict[str, Any]:
    """Return the options for ``navigator.credentials.create``, as JSON.

    Args:
        rp_id: the host of the passkey.
        rp_name: the organisation's name.
        account: the customer's account.
        challenge: the random bytes to be signed.
        known: the ids of the account's passkeys, so that an authenticator does not create a second one.
    """
    options = webauthn.generate_registration_options(
        rp_id=rp_id,
        rp_name=rp_name,
        user_id=account.handle,
        user_name=account.name,
        user_display_name=account.display_name,
        challenge=challenge,
        timeout=TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
    )
    return dict(json.loads(webauthn.options_to_json(options)))


def request_options(rp_id: str, challenge: bytes) -> dict[str, Any]:
    """Return the options for ``navigator.credentials.get``, as JSON."""
    options = webauthn.generate_authentication_options(rp_id=rp_id, challenge=challenge, timeout=TIMEOUT_MS)
    return dict(json.loads(webauthn.options_to_json(options)))


def verify_creation(
    credential: Mapping[str, Any], *, challenge: bytes, rp_id: str, origin: str
) -> NewCredential:
    """Verify a new credential.

    Raises:
        Unverified: it is malformed, or was made for something else.
    """
    try:
        found = webauthn.verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=rp_id,
            expected_origin=origin,
        )
    except MALFORMED as error:
        raise Unverified from error
    return NewCredential(
        credential_id=found.credential_id,
        public_key=found.credential_public_key,
        sign_count=found.sign_count,
        backed_up=found.credential_backed_up,
        user_verified=found.user_verified,
    )


def verify_signature(
    credential: Mapping[str, Any], *, challenge: bytes, rp_id: str, origin: str, public_key: bytes
) -> Signature:
    """Verify a signature. The caller judges the counter.

    Raises:
        Unverified: it is malformed, wrong, or was made for something else.
    """
    try:
        found = webauthn.verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=rp_id,
            expected_origin=origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
        )
    except MALFORMED as error:
        raise Unverified from error
    return Signature(found.new_sign_count, found.credential_backed_up, found.user_verified)


def origin_of(credential: Mapping[str, Any]) -> str:
    """Return the origin of the page that used the credential, as the browser has recorded it.

    Raises:
        Unverified: the credential is malformed.
    """
    try:
        return str(parse_client_data_json(_bytes(credential["response"]["clientDataJSON"])).origin)
    except MALFORMED as error:
        raise Unverified from error


def id_of(credential: Mapping[str, Any]) -> bytes:
    """Return the id of a credential.

    Raises:
        Unverified: the credential is malformed.
    """
    try:
        return _bytes(credential["rawId"])
    except MALFORMED as error:
        raise Unverified from error


def handle_of(credential: Mapping[str, Any]) -> bytes:
    """Return the handle of the account under which the authenticator keeps the passkey.

    Raises:
        Unverified: the credential is malformed.
    """
    try:
        return _bytes(credential["response"]["userHandle"])
    except MALFORMED as error:
        raise Unverified from error


def _bytes(text: Any) -> bytes:
    if not isinstance(text, str):
        raise TypeError("no text")
    return bytes(base64url_to_bytes(text))
