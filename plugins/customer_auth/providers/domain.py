"""Rules for providers of identities: their settings, and what they say. No framework, no network."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")

HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")

FORM = "name issuer client-id secret, and further hosts of the provider if it has any"


class Revealable(Protocol):
    """A secret."""

    def reveal(self) -> str:
        """Return the secret."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider as an organisation's ini file names it.

    Attributes:
        name: the name in the API, for example ``google``.
        issuer: the URL that identifies the provider, exactly as the provider writes it.
        client_id: the organisation's name at the provider.
        client_secret: the organisation's password at the provider.
        hosts: the hosts that the server calls: the issuer's, and further ones that the ini file names.
    """

    name: str
    issuer: str
    client_id: str
    client_secret: Revealable
    hosts: frozenset[str]


class BadProvider(ValueError):
    """A line about a provider is invalid. The message does not contain its words: one is a secret."""


def words_of(line: str) -> tuple[str, str, str, str, frozenset[str]]:
    """Return the parts of a line: name, issuer, client id, secret or its reference, and hosts.

    Raises:
        BadProvider: a part is missing or invalid.
    """
    words = line.split()
    if len(words) < 4:
        raise BadProvider(f"write {FORM}")
    name, issuer, client_id, secret, *hosts = words
    if not NAME.fullmatch(name):
        raise BadProvider("a provider's name has lower-case letters, digits and hyphens, a letter first")
    own_host = host_of(issuer)
    if own_host is None or urlsplit(issuer).query or urlsplit(issuer).fragment:
        raise BadProvider("an issuer is an absolute URL with https:// and without a query")
    if not all(HOST.fullmatch(host) for host in hosts):
        raise BadProvider("the words after the secret are host names, without https:// or a path")
    return name, issuer, client_id, secret, frozenset({own_host, *hosts})


def host_of(url: str) -> str | None:
    """Return the host of an absolute http or https URL, with its port; None for other texts."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("https", "http") or not parts.hostname or "@" in parts.netloc:
        return None
    return parts.netloc.lower()


BASIC = "client_secret_basic"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a provider says about itself (OpenID Connect Discovery 1.0, section 3).

    Attributes:
        authorization_endpoint: where the customer logs in.
        token_endpoint: where the server exchanges the code.
        jwks_uri: the keys that sign ID tokens.
        userinfo_endpoint: further data of the customer; None if there is no such call on a named host. Most
            providers do not need it.
        token_endpoint_auth_method: how the server sends its password there.
        names_itself: whether the provider returns ``iss`` to the page (RFC 9207, section 3).
    """

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    token_endpoint_auth_method: str
    names_itself: bool


class UnusableMetadata(ValueError):
    """A provider's description of itself is incomplete, or names other hosts than the ini file."""


def metadata_of(provider: Provider, document: Any) -> Metadata:
    """Return the metadata of a provider.

    Args:
        provider: the provider.
        document: what it has answered.

    Raises:
        UnusableMetadata: it is another provider's, or incomplete, or the server would call another host.
    """
    if not isinstance(document, dict) or document.get("issuer") != provider.issuer:
        raise UnusableMetadata("the provider calls itself by another issuer")
    methods = document.get("token_endpoint_auth_methods_supported", [BASIC])
    return Metadata(
        # The customer's browser opens the first one, so it may be on any host.
        authorization_endpoint=_endpoint(document, "authorization_endpoint", None),
        token_endpoint=_endpoint(document, "token_endpoint", provider.hosts),
        jwks_uri=_endpoint(document, "jwks_uri", provider.hosts),
        userinfo_endpoint=_optional_endpoint(document, "userinfo_endpoint", provider.hosts),
        token_endpoint_auth_method=BASIC if BASIC in methods else "client_secret_post",
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


def is_answer_of(provider: Provider, metadata: Metadata, iss: str | None) -> bool:
    """Return whether an answer to the page may be the provider's (RFC 9207, section 2.4).

    Args:
        provider: the provider at which the login was begun.
        metadata: what it says about itself.
        iss: the issuer that the answer names, or None.
    """
    return iss == provider.issuer if iss is not None else not metadata.names_itself


def _endpoint(document: Mapping[str, Any], name: str, hosts: Collection[str] | None) -> str:
    url = document.get(name)
    host = host_of(url) if isinstance(url, str) else None
    if host is None:
        raise UnusableMetadata(f"{name} is missing or no URL")
    if hosts is not None and host not in hosts:
        raise UnusableMetadata(f"{name} is on {host}, which the ini file does not name")
    return str(url)


def _optional_endpoint(document: Mapping[str, Any], name: str, hosts: Collection[str]) -> str | None:
    try:
        return _endpoint(document, name, hosts)
    except UnusableMetadata:
        return None


@dataclass(frozen=True, slots=True)
class Asserted:
    """What a provider says about a customer.

    Attributes:
        subject: the customer's id at the provider.
        email: the address as the provider writes it, or None.
        email_verified: whether the provider has proven the mailbox.
        name: the name, or None.
        authenticated_at: when the provider has last authenticated the customer; None if it does not say.
    """

    subject: str
    email: str | None
    email_verified: bool
    name: str | None
    authenticated_at: datetime | None = None


def asserted_by(claims: Mapping[str, Any]) -> Asserted:
    """Return what verified claims say about a customer."""
    texts = {name: value for name, value in claims.items() if isinstance(value, str) and value.strip()}
    # Some providers write the boolean as text.
    is_verified = claims.get("email_verified") is True or claims.get("email_verified") == "true"
    at = _time(claims.get("auth_time"))
    return Asserted(texts["sub"], texts.get("email"), is_verified, texts.get("name"), at)


def _time(seconds: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def says_about_the_address(claims: Mapping[str, Any]) -> bool:
    """Return whether an ID token has the claims about the address; some providers have them elsewhere."""
    return "email" in claims and "email_verified" in claims


def with_userinfo(claims: Mapping[str, Any], further: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the claims of an ID token with what userinfo says about the address.

    Args:
        claims: the claims of the ID token.
        further: the answer of userinfo.
    """
    # OpenID Connect Core 1.0, section 5.3.2: another customer's data must not be used.
    if further.get("sub") != claims["sub"]:
        return claims
    # Both from the same source: one may be about another address than the other.
    address = {"email": further.get("email"), "email_verified": further.get("email_verified")}
    return {"name": further.get("name"), **claims, **address}
