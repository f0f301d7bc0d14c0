"""URLs that open one file of Amazon CloudFront, or of a CDN with the same signatures, for a while.

Source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-canned-policy.html
"""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_ALPHABET: Final = str.maketrans("+=/", "-_~")


def signed(url: str, expires: int, key_id: str, private_key: str) -> str:
    """A URL with a canned policy: it opens this one URL until a moment.

    Args:
        url: with its query, if it has one.
        expires: in seconds since 1970.
        key_id: the id of the public key at the CDN.
        private_key: an RSA key, as PEM.

    Raises:
        ValueError: the private key is not one.
    """
    policy = policy_of(url, expires).encode()
    # The documentation of the CDN prescribes SHA-1. The policy is the server's own text, so that a collision
    # gives an attacker nothing.
    signature = _key(private_key).sign(policy, PKCS1v15(), SHA1())  # noqa: S303
    encoded = base64.b64encode(signature).decode().translate(_ALPHABET)
    joint = "&" if "?" in url else "?"
    return f"{url}{joint}Expires={expires}&Signature={encoded}&Key-Pair-Id={key_id}"


def policy_of(url: str, expires: int) -> str:
    """The text that is signed."""
    condition = f'{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}'
    return f'{{"Statement":[{{"Resource":"{url}","Condition":{condition}}}]}}'


@lru_cache(maxsize=64)
def _key(private_key: str) -> RSAPrivateKey:
    found = load_pem_private_key(private_key.encode(), password=None)
    if not isinstance(found, RSAPrivateKey):
        raise ValueError("the key of a CDN has to be an RSA key")  # noqa: TRY004 - as for other wrong keys
    return found
