"""An authenticator and a browser in software: they make passkeys and sign as WebAuthn says."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, BACKUP_ELIGIBLE, BACKED_UP, HAS_KEY = 0x01, 0x04, 0x08, 0x10, 0x40


def in_base64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Passkey:
    """A credential inside an authenticator."""

    rp_id: str
    handle: bytes
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    count: int = 0


@dataclass
class Authenticator:
    """A security key or a phone, used by a page.

    Attributes:
        origin: the page.
        verifies: whether it asks its user for a PIN or a finger.
        counts: whether it counts signatures.
    """

    origin: str
    verifies: bool = True
    counts: bool = True
    passkeys: list[Passkey] = field(default_factory=list)

    def create(self, options: dict[str, Any], credential_id: bytes | None = None) -> dict[str, Any]:
        """Do what ``navigator.credentials.create(…).toJSON()`` gives."""
        passkey = Passkey(options["rp"]["id"], from_base64(options["user"]["id"]))
        passkey.id = credential_id or passkey.id
        self.passkeys.append(passkey)
        data = self._data(passkey, with_key=True)
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        response = {
            "clientDataJSON": self._client_data("webauthn.create", options["challenge"]),
            "attestationObject": in_base64(attestation),
            "transports": ["internal"],
        }
        return self._credential(passkey, response)

    def get(self, options: dict[str, Any], passkey: Passkey | None = None) -> dict[str, Any]:
        """Do what ``navigator.credentials.get(…).toJSON()`` gives, with the newest passkey of the host."""
        passkey = passkey or next(each for each in reversed(self.passkeys) if each.rp_id == options["rpId"])
        passkey.count += self.counts
        data = self._data(passkey)
        client_data = self._client_data("webauthn.get", options["challenge"])
        signed = data + hashlib.sha256(from_base64(client_data)).digest()
        response = {
            "clientDataJSON": client_data,
            "authenticatorData": in_base64(data),
            "signature": in_base64(passkey.key.sign(signed, ec.ECDSA(SHA256()))),
            "userHandle": in_base64(passkey.handle),
        }
        return self._credential(passkey, response)

    def _data(self, passkey: Passkey, *, with_key: bool = False) -> bytes:
        flags = PRESENT | (VERIFIED if self.verifies else 0) | (HAS_KEY if with_key else 0)
        data = hashlib.sha256(passkey.rp_id.encode()).digest()
        data += bytes([flags]) + passkey.count.to_bytes(4, "big")
        if not with_key:
            return data
        numbers = passkey.key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (numbers.x, numbers.y))
        public_key = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        return data + bytes(16) + len(passkey.id).to_bytes(2, "big") + passkey.id + public_key

    def _client_data(self, kind: str, challenge: str) -> str:
        data = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return in_base64(json.dumps(data).encode())

    @staticmethod
    def _credential(passkey: Passkey, response: dict[str, Any]) -> dict[str, Any]:
        name = in_base64(passkey.id)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
            "authenticatorAttachment": "platform",
        }
