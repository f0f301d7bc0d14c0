"""What the proof of a mailbox is good for: verify the address, set a password, sign in, open the library."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from autonomy_core.plugin_api.customers import Customer, find_customer, prove_address
from autonomy_core.plugin_api.scope import TenantScope
from customer_auth.challenges import store
from customer_auth.challenges.domain import Purpose
from customer_auth.challenges.errors import InvalidLink
from customer_auth.challenges.models import Challenge
from customer_auth.passwords.credentials import set_password
from customer_auth.passwords.hashing import passwords_of
from customer_auth.passwords.rules import require_strong
from customer_auth.sessions.clients import Client
from customer_auth.sessions.methods import Method
from customer_auth.sessions.services import Tokens, open_session


@dataclass(frozen=True, slots=True)
class Proof:
    """What a client presents: the token of a link, or a code. One of them is None."""

    token: str | None
    code: str | None


def verify(scope: TenantScope, customer_id: UUID, proof: Proof) -> Customer:
    """Verify the address of a customer who is logged in.

    The proof is useless to others: a link that opens in a foreign browser verifies nothing, because the
    account may have been registered by another person than the owner of the mailbox.

    Raises:
        InvalidLink, InvalidCode: the proof is not valid, or is another customer's.
    """
    used = use_own(scope, Purpose.VERIFY, customer_id, proof)
    return holder_of(scope, used, within=customer_id)


def reset_password(scope: TenantScope, *, token: str, password: str) -> None:
    """Set a password, end all logins, and tell the owner.

    The customer then logs in with the password, so that a second factor is asked for.

    Raises:
        InvalidLink: it is not valid.
        WeakPassword: the password is easy to guess. The link stays valid.
        Unavailable: the queue for hashes is too long. The link stays valid.
    """
    with scope.begin() as own:
        found = store.find(own, Purpose.RESET, token)
        customer = find_customer(own, found.customer_id) if found.customer_id is not None else None
    name = customer.name if customer is not None else ""
    require_strong(scope, password, member="password", email=found.email, name=name)
    new_hash = passwords_of(scope).hash(password)
    used = store.use_link(scope, Purpose.RESET, token)
    set_password(scope, holder_of(scope, used), new_hash)


def sign_in(scope: TenantScope, flow: str, proof: Proof, client: Client) -> Tokens:
    """Log in the client that asked for the mail.

    Raises:
        InvalidLink, InvalidCode: the proof is not valid, or not of this client's request.
    """
    if proof.token is not None:
        used = store.use_link(scope, Purpose.SIGN_IN, proof.token, flow=flow)
    else:
        used = store.use_code(scope, Purpose.SIGN_IN, proof.code or "", flow=flow)
    within = used.data.get("within")
    holder = holder_of(scope, used, within=UUID(within) if within else None)
    return open_session(scope, holder.id, methods=[Method.MAIL], client=client)


def open_library(scope: TenantScope, token: str, client: Client) -> Tokens:
    """Log in a client that has the link to all that was bought with an address.

    Raises:
        InvalidLink: it is not valid.
    """
    used = store.use_link(scope, Purpose.LIBRARY, token)
    return open_session(scope, holder_of(scope, used).id, methods=[Method.MAIL], client=client)


def use_own(scope: TenantScope, purpose: Purpose, customer_id: UUID, proof: Proof) -> Challenge:
    """Use a proof that belongs to the customer who is logged in.

    Raises:
        InvalidLink, InvalidCode: it is not valid, or is another customer's.
    """
    if proof.token is None:
        return store.use_code(scope, purpose, proof.code or "", customer_id=customer_id)
    used = store.use_link(scope, purpose, proof.token)
    if used.customer_id != customer_id:
        raise InvalidLink
    return used


def holder_of(scope: TenantScope, used: Challenge, *, within: UUID | None = None) -> Customer:
    """Return the account of a mailbox that was just proven.

    Args:
        scope: the scope of the organisation.
        used: the challenge.
        within: the customer whose own login presented the proof; see `prove_address`.

    Raises:
        InvalidLink: the account has another address by now, is blocked, or does not exist any more. What the
            transaction has done must be rolled back.
    """
    if used.customer_id is not None:
        customer = find_customer(scope, used.customer_id)
        if customer is None or not customer.is_current or customer.email != used.email:
            raise InvalidLink
    account = prove_address(scope, used.email, within=within)
    if account is None or account.blocked_at is not None:
        raise InvalidLink
    return account
