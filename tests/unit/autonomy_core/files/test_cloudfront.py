"""A CDN verifies a signed URL with the public key."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1

from autonomy_core.files.cloudfront import signed

URL = "https://d1.cloudfront.example/a/b.mp3?response-content-type=audio%2Fmpeg"


def test_the_public_key_verifies_the_canned_policy(rsa_key: rsa.RSAPrivateKey, rsa_pem: str) -> None:
    url = signed(URL, 1_800_000_000, "K2JCJMDEHXQW5F", rsa_pem)

    assert url.startswith(f"{URL}&Expires=1800000000&Signature=")
    query = parse_qs(urlsplit(url).query)
    assert query["Key-Pair-Id"] == ["K2JCJMDEHXQW5F"]
    signature = query["Signature"][0].translate(str.maketrans("-_~", "+=/"))
    # The text that the documentation of CloudFront prescribes, without blanks.
    policy = (
        f'{{"Statement":[{{"Resource":"{URL}","Condition":{{"DateLessThan":'
        '{"AWS:EpochTime":1800000000}}}]}'
    )
    rsa_key.public_key().verify(base64.b64decode(signature), policy.encode(), PKCS1v15(), SHA1())


def test_a_key_of_another_kind_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    with pytest.raises(ValueError, match="RSA"):
        signed(URL, 1_800_000_000, "K1", pem)
