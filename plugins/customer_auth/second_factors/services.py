"""Services: the second step of a login, re-authentication, and changes of second factors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from autonomy_core.plugin_api.customers import require_open_login
from autonomy_core.plugin_api.errors import NotAuthenticated, NotFound
from autonomy_core.plugin_api.limits import Bucket, count_attempt, forgive_attempt
from autonomy_core.plugin_api.scope import TenantScope
from customer_auth.limits import attempts
from customer_auth.passkeys import services as passkeys
from customer_auth.passkeys.domain import Page
from customer_auth.passkeys.errors import PasskeyRefused
from customer_auth.passkeys.services import PresentedPasskey
from customer_auth.second_factors import recovery, totp
from customer_auth.second_factors.domain import Factor, typed_time_code
from customer_auth.second_factors.errors import InvalidFlow, SecondFactorRequired, WrongCode
from customer_auth.second_factors.gate import factors_of
from customer_auth.services import check_password
from customer_auth.sessions import flows
from customer_auth.sessions.clients import Client
from customer_auth.sessions.flows import FlowKind
from customer_auth.sessions.methods import Method
from customer_auth.sessions.notices import FactorChange, notify_of_factors
from customer_auth.sessions.services import Tokens, end_all_sessions, open_session, replace_session


@dataclass(frozen=True, slots=True)
class Presented:
    """What a client presents. All that it does not present is None.

    Attributes:
        password: the customer's password.
        code: a one-time code, or a recovery code.
        passkey: the signature of a passkey.
    """

    password: str | None = field(default=None, repr=False)
    code: str | None = field(default=None, repr=False)
    passkey: PresentedPasskey | None = None

    @property
    def has_only_password(self) -> bool:
        """Whether no second factor is presented."""
        return self.code is None and self.passkey is None


def complete_login(
    scope: TenantScope, *, flow: str, presented: Presented, page: Page, client: Client
) -> Tokens:
    """Log in a customer whose first factor was right.

    Args:
        scope: the scope of the organisation.
        flow: the handle from `SecondFactorRequired`.
        presented: the second factor.
        page: the page that the customer uses.
        client: the client of the request.

    Raises:
        InvalidFlow: the login has to begin again.
        TooManyRequests: too many wrong codes for this account, or from this address.
        WrongCode, PasskeyRefused: the second factor is wrong. The flow stays.
        AccountBlocked: the account was blocked meanwhile.
    """
    with scope.begin() as own:
        known = flows.find(own, FlowKind.SECOND_FACTOR, flow)
        if known is None or known.customer_id is None:
            raise InvalidFlow
        buckets = _count(own, known.customer_id, presented, client)
    # Lock the flow, so that it opens one login.
    found = flows.find(scope, FlowKind.SECOND_FACTOR, flow, lock=True)
    if found is None or found.customer_id is None:
        raise InvalidFlow
    customer_id, first = found.customer_id, {Method(method) for method in found.methods}
    second = prove(scope, customer_id, presented, page)
    forgive_attempt(scope, buckets)
    flows.end(scope, found)
    return open_session(scope, customer_id, methods=first | second, client=client)


def reauthenticate(
    scope: TenantScope,
    customer_id: UUID,
    session_id: UUID | None,
    *,
    presented: Presented,
    page: Page,
    client: Client,
) -> Tokens:
    """Authenticate a customer who is logged in again, and replace the login.

    Args:
        scope: the scope of the organisation.
        customer_id: the customer.
        session_id: the login of the request.
        presented: what the customer is authenticated with now.
        page: the page that the customer uses.
        client: the client of the request.

    Returns:
        The tokens of the new login, with which the customer may change credentials for some minutes.

    Raises:
        NotAuthenticated: the login has ended.
        SecondFactorRequired: a password alone does not do for an account with an authenticator app.
        TooManyRequests: too many wrong attempts for this account, or from this address.
        WrongCode, WrongPassword, PasskeyRefused: what was presented is wrong.
    """
    if session_id is None:
        raise NotAuthenticated
    with scope.begin() as own:
        available = factors_of(own, customer_id)
        if presented.has_only_password and Factor.TOTP in available:
            raise SecondFactorRequired(extra={"flow": None, "methods": [each.value for each in available]})
        buckets = _count(own, customer_id, presented, client)
    proven: frozenset[Method] = frozenset()
    if presented.password is not None:
        check_password(scope, customer_id, presented.password, client)
        proven |= {Method.PASSWORD}
    if not presented.has_only_password:
        proven |= prove(scope, customer_id, presented, page)
    forgive_attempt(scope, buckets)
    return replace_session(scope, customer_id, session_id, proven)


def prove(scope: TenantScope, customer_id: UUID, presented: Presented, page: Page) -> frozenset[Method]:
    """Return the methods by which a second factor authenticates a customer. The factor is used up.

    Raises:
        WrongCode: the code is wrong, or was used before.
        PasskeyRefused: the passkey is not valid, or is another customer's.
    """
    if presented.passkey is not None:
        proof = passkeys.prove(scope, presented.passkey, page)
        if proof.customer_id != customer_id:
            raise PasskeyRefused
        return proof.methods
    code = presented.code or ""
    if typed_time_code(code) is not None:
        if totp.accept(scope, customer_id, code):
            return frozenset({Method.ONE_TIME_CODE})
    elif recovery.burn(scope, customer_id, code):
        notify_of_factors(scope, customer_id, FactorChange.CODE_USED)
        return frozenset({Method.RECOVERY_CODE})
    raise WrongCode


@dataclass(frozen=True, slots=True)
class Enabled:
    """A customer has a second factor from now on."""

    recovery_codes: list[str] = field(repr=False)
    tokens: Tokens


def enable_totp(scope: TenantScope, customer_id: UUID, session_id: UUID | None, code: str) -> Enabled:
    """Make the authenticator app a factor, and end all logins, which were opened without it.

    Args:
        scope: the scope of the organisation.
        customer_id: the customer.
        session_id: the login of the request, which is replaced.
        code: a code that the app shows.

    Raises:
        NotAuthenticated: the login has ended.
        NotFound: no enrolment has begun.
        SecondFactorExists: the app is confirmed already.
        WrongCode: the code is wrong.
    """
    if session_id is None:
        raise NotAuthenticated
    require_open_login(scope, customer_id, session_id)
    codes = totp.confirm(scope, customer_id, code)
    end_all_sessions(scope, customer_id, but=session_id)
    tokens = replace_session(scope, customer_id, session_id, {Method.ONE_TIME_CODE})
    notify_of_factors(scope, customer_id, FactorChange.TOTP_ADDED)
    return Enabled(codes, tokens)


def disable_totp(scope: TenantScope, customer_id: UUID, session_id: UUID | None) -> None:
    """Stop asking a customer for codes.

    Raises:
        NotAuthenticated: the login of the request, ``session_id``, has ended.
        NotFound: there is no authenticator app.
    """
    require_open_login(scope, customer_id, session_id)
    totp.remove(scope, customer_id)
    notify_of_factors(scope, customer_id, FactorChange.TOTP_REMOVED)


def replace_recovery_codes(scope: TenantScope, customer_id: UUID, session_id: UUID | None) -> list[str]:
    """Return new recovery codes, in place of all earlier ones.

    Raises:
        NotAuthenticated: the login of the request, ``session_id``, has ended.
        NotFound: there is no authenticator app.
    """
    require_open_login(scope, customer_id, session_id)
    if Factor.TOTP not in factors_of(scope, customer_id):
        raise NotFound
    notify_of_factors(scope, customer_id, FactorChange.CODES_REPLACED)
    return recovery.replace(scope, customer_id)


def overview(scope: TenantScope, customer_id: UUID) -> Mapping[str, Any]:
    """Return the second factors of a customer, without secrets."""
    app = totp.find(scope, customer_id)
    return {
        "totp": app is not None and app.confirmed_at is not None,
        "totp_since": app.confirmed_at if app is not None else None,
        "recovery_codes_left": recovery.left(scope, customer_id),
    }


def _count(scope: TenantScope, customer_id: UUID, presented: Presented, client: Client) -> list[Bucket]:
    """Count an attempt to guess a code, and return where it was counted."""
    if presented.code is None:
        return []
    is_guessable = typed_time_code(presented.code) is not None
    buckets = attempts.code_buckets(scope, customer_id if is_guessable else None, client.address)
    count_attempt(scope, buckets)
    return buckets
