"""OpenID Connect with a provider: discovery, the address of its login, and what it says of a customer.

authlib implements the protocol, and joserfc verifies the signatures. The server calls the hosts that the
organisation's ini file names, and no others, whatever a provider answers. Over https a host must also have a
certificate for its name, so a name that leads to an internal address reaches no internal service.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from threading import Lock
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import requests
import structlog
from authlib.integrations.requests_client import OAuth2Session, OAuthError
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from autonomy_core.plugin_api.errors import InvalidInput, Unavailable
from customer_auth.limits.limited_http import LimitedSession
from customer_auth.providers.domain import (
    Asserted,
    Metadata,
    Provider,
    UnusableMetadata,
    asserted_by,
    host_of,
    is_answer_of,
    metadata_of,
    says_about_the_address,
    with_userinfo,
)
from customer_auth.providers.flows import Flow

log = structlog.get_logger(__name__)

SCOPE = "openid email profile"
ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "Ed25519", "EdDSA"]
"""Algorithms with a public key. With others, a holder of the client's secret could sign."""

CLOCK_SKEW_S = 60
LONGEST_WAIT_S = 5.0
KNOWN_FOR_S = 3600.0
KEYS_ASKED_AGAIN_AFTER_S = 60.0
MOST_KNOWN = 1000
LONGEST_REASON = 100

OLDEST_LOGIN_S = 30 * 24 * 3600
"""How old the customer's session at the provider may be, in seconds. A provider that gets ``max_age`` must
say in ``auth_time`` when it authenticated the customer (OpenID Connect Core 1.0, section 2)."""


MALFORMED = (ValueError, KeyError, TypeError, AttributeError)
"""What code that reads an answer raises if the answer has another form."""


UNREADABLE = (requests.RequestException, UnusableMetadata, JoseError, *MALFORMED)
"""What the call for a provider's description or keys raises."""


class ProviderUnavailable(Unavailable):
    """The provider does not answer, or not as OpenID Connect requires."""

    code, title = "provider_unavailable", "The provider does not answer as it should"


class ProviderLoginFailed(InvalidInput):
    """The login at the provider is not proven: it was used, expired, or begun in another browser."""

    code, title = "provider_login_failed", "The login at the provider has failed; begin again"


class ProviderSession(LimitedSession, OAuth2Session):
    """A session that calls the hosts of one provider only.

    Args:
        provider: the provider.
        over_http: whether it may be called without TLS, for development.
        options: further arguments of authlib's session.
    """

    def __init__(self, provider: Provider, *, over_http: bool, **options: Any) -> None:
        OAuth2Session.__init__(
            self,
            provider.client_id,
            provider.client_secret.reveal(),
            scope=SCOPE,
            # A token that is valid for less than a minute is used at once.
            leeway=0,
            **options,
        )
        self.limit(LONGEST_WAIT_S)
        self._hosts = provider.hosts
        self._schemes = ("https", "http") if over_http else ("https",)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send a request, if its host is the provider's."""
        url = request.url or ""
        if urlsplit(url).scheme not in self._schemes or host_of(url) not in self._hosts:
            raise requests.exceptions.InvalidURL("this host is none of the provider's")
        return super().send(request, **options)

    def json_of(self, url: str) -> Any:
        """Return the answer of a call that needs no token.

        Raises:
            requests.RequestException: the answer is not 200, or no JSON.
        """
        answer: requests.Response = OAuth2Session.request(self, "GET", url, withhold_token=True)
        if answer.status_code != requests.codes.ok:
            raise requests.HTTPError(f"status {answer.status_code}", response=answer)
        return answer.json()


@dataclass(slots=True)
class _Known:
    """What the process has read of a provider."""

    metadata: Metadata
    keys: KeySet
    asked_at: float


class Providers:
    """Calls providers, and keeps their metadata and keys for an hour.

    Args:
        over_http: whether providers may be called without TLS, for development.
        keys_asked_again_after_s: the least age of keys that a token with an unknown key has read again.
    """

    def __init__(
        self, *, over_http: bool, keys_asked_again_after_s: float = KEYS_ASKED_AGAIN_AFTER_S
    ) -> None:
        self._over_http = over_http
        self._keys_asked_again_after_s = keys_asked_again_after_s
        self._known: dict[tuple[str, frozenset[str]], _Known] = {}
        self._lock = Lock()

    def login_url(self, provider: Provider, flow: Flow) -> str:
        """Return the address at which the customer logs in.

        Raises:
            ProviderUnavailable: see there.
        """
        known = self._look_up(provider)
        with self._session(provider, **_login_options(known.metadata, flow)) as session:
            url, _ = session.create_authorization_url(
                known.metadata.authorization_endpoint,
                state=flow.state,
                nonce=flow.nonce,
                code_verifier=flow.verifier,
                max_age=OLDEST_LOGIN_S,
            )
        return str(url)

    def asserted(self, provider: Provider, flow: Flow, code: str, iss: str | None = None) -> Asserted:
        """Exchange the code of a login, and return what the provider says about the customer.

        Args:
            provider: the provider at which the login was begun.
            flow: the login.
            code: what the provider has returned to the page.
            iss: the issuer that the answer names, or None.

        Raises:
            ProviderLoginFailed: the code is not valid, the answer names another provider or none although the
                provider names itself, or the ID token does not belong to the login.
            ProviderUnavailable: see there.
        """
        known = self._look_up(provider)
        if not is_answer_of(provider, known.metadata, iss):
            # The code may be one of another provider, and must not be sent to this one.
            log.warning(
                "customer_auth.provider_answer_refused", provider=provider.name, named=iss is not None
            )
            raise ProviderLoginFailed
        options = _login_options(known.metadata, flow)
        with _answers_of(provider), self._session(provider, **options) as session:
            tokens = session.fetch_token(
                known.metadata.token_endpoint, code=code, code_verifier=flow.verifier
            )
            claims = self._verified(provider, flow, tokens)
            if known.metadata.userinfo_endpoint and not says_about_the_address(claims):
                further = session.get(known.metadata.userinfo_endpoint).json()
                claims = with_userinfo(claims, further)
            return asserted_by(claims)

    def problem_of(self, provider: Provider) -> str | None:
        """Ask a provider now for its description and keys; return why they are unusable, or None."""
        try:
            self._described(provider)
        except UNREADABLE as error:
            return _reason(error)
        return None

    def _verified(self, provider: Provider, flow: Flow, tokens: Any) -> Mapping[str, Any]:
        """Return the claims of an ID token (OpenID Connect Core 1.0, section 3.1.3.7)."""
        token = self._decoded(provider, tokens["id_token"])
        claims = CodeIDToken(
            token.claims,
            token.header,
            options={
                "iss": {"essential": True, "value": provider.issuer},
                "aud": {"essential": True, "value": provider.client_id},
                "sub": {"essential": True},
                "nonce": {"essential": True, "value": flow.nonce},
            },
            params={
                "nonce": flow.nonce,
                "client_id": provider.client_id,
                "access_token": tokens.get("access_token"),
            },
        )
        claims.validate(leeway=CLOCK_SKEW_S)
        return dict(claims)

    def _decoded(self, provider: Provider, id_token: str) -> jwt.Token:
        known = self._look_up(provider)
        try:
            return jwt.decode(id_token, known.keys, ALGORITHMS)
        except (JoseError, ValueError):
            if monotonic() - known.asked_at < self._keys_asked_again_after_s:
                raise
        # The provider may have a new key.
        return jwt.decode(id_token, self._look_up(provider, again=True).keys, ALGORITHMS)

    def _look_up(self, provider: Provider, *, again: bool = False) -> _Known:
        key = (provider.issuer, provider.hosts)
        known = self._known.get(key)
        if known is None or again or monotonic() - known.asked_at > KNOWN_FOR_S:
            known = self._ask(provider)
            with self._lock:
                if len(self._known) >= MOST_KNOWN:
                    self._known.clear()
                self._known[key] = known
        return known

    def _ask(self, provider: Provider) -> _Known:
        try:
            return self._described(provider)
        except UNREADABLE as error:
            raise _unavailable(provider, error) from None

    def _described(self, provider: Provider) -> _Known:
        with self._session(provider) as session:
            at = f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration"
            metadata = metadata_of(provider, session.json_of(at))
            keys = KeySet.import_key_set(session.json_of(metadata.jwks_uri))
        return _Known(metadata, keys, monotonic())

    def _session(self, provider: Provider, **options: Any) -> ProviderSession:
        return ProviderSession(provider, over_http=self._over_http, **options)


def _login_options(metadata: Metadata, flow: Flow) -> dict[str, Any]:
    return {
        "redirect_uri": flow.return_url,
        "code_challenge_method": "S256",
        "token_endpoint_auth_method": metadata.token_endpoint_auth_method,
    }


@contextmanager
def _answers_of(provider: Provider) -> Iterator[None]:
    """Convert the exceptions of a login at a provider."""
    try:
        yield
    except requests.RequestException as error:
        raise _unavailable(provider, error) from None
    except OAuthError as error:
        if error.error == "invalid_grant":
            raise ProviderLoginFailed from None
        raise _unavailable(provider, error) from None
    except JoseError as error:
        log.warning("customer_auth.id_token_refused", provider=provider.name, reason=type(error).__name__)
        raise ProviderLoginFailed from None
    except MALFORMED as error:
        raise _unavailable(provider, error) from None


def _unavailable(provider: Provider, error: Exception) -> ProviderUnavailable:
    log.warning("customer_auth.provider_failed", provider=provider.name, reason=_reason(error))
    return ProviderUnavailable()


def _reason(error: Exception) -> str:
    """Return the reason of a failure. The text of an error of another library may contain what was sent."""
    if isinstance(error, UnusableMetadata):
        return str(error)
    name = type(error).__name__
    if isinstance(error, OAuthError):
        return f"{name}: {str(error.error)[:LONGEST_REASON]}"
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"{name}: status {error.response.status_code}"
    return name


@cache
def providers(*, over_http: bool) -> Providers:
    """Return the process's connection to providers."""
    return Providers(over_http=over_http)
