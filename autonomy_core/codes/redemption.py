"""Redeem a download code: the customer gets the product, exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from autonomy_core.audit.services import record
from autonomy_core.catalog.availability import purchasable, with_details
from autonomy_core.catalog.models import Product
from autonomy_core.codes.domain import digest_of, normalised
from autonomy_core.codes.errors import CodeNotValid, RedemptionRefused
from autonomy_core.codes.models import CodeBatch, CodeUse, DownloadCode
from autonomy_core.customers.models import Customer
from autonomy_core.customers.services import add_guest, find_customer
from autonomy_core.customers.staff.services import is_blocked
from autonomy_core.db.base import utcnow
from autonomy_core.db.own_transactions import trying_again
from autonomy_core.errors import NotAuthenticated, NotFound
from autonomy_core.grants.giving import give_by_code, owns_all
from autonomy_core.grants.mails import notify_given
from autonomy_core.grants.services import environment_of
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.payments.buyers import Guest
from autonomy_core.payments.terms import AlreadyOwned
from autonomy_core.security.domain import Bucket, RateLimit
from autonomy_core.security.limits import count_attempt, forgive_attempt

PERIOD = timedelta(hours=1)

PER_ACCOUNT = RateLimit(10, PERIOD)
"""How many wrong codes an account may try."""

PER_NETWORK = RateLimit(60, PERIOD)
"""How many wrong codes a client's network may try: the guests of a concert share one."""


@dataclass(frozen=True, slots=True)
class Redeemed:
    """The product of a code, and whether this or an earlier call of the customer has redeemed it."""

    product: Product
    is_new: bool


def redeem(scope: TenantScope, redeemer: UUID | Guest, text: str, *, client_network: str) -> Redeemed:
    """Redeem a code. A customer who repeats the call gets the product again, and uses up nothing.

    Of a bundle, the customer gets the products that are missing.

    Args:
        scope: without an open transaction.
        redeemer: the id of an account, or a guest, who gets a link to the product by mail.
        text: the code as a person typed it.
        client_network: the network of the client, for the limit.

    Raises:
        CodeNotValid: the code does not exist, is used, has expired or was revoked, or is of the other
            environment.
        AlreadyOwned: the customer has the product. The code stays as it was.
        RedemptionRefused: a customer with the guest's address is blocked.
        TooManyRequests: too many wrong codes came from the account or the network.
        NotAuthenticated: the customer was erased or merged meanwhile.
    """
    buckets = [Bucket("codes.network", client_network, PER_NETWORK)]
    if isinstance(redeemer, UUID):
        buckets.append(Bucket("codes.account", str(redeemer), PER_ACCOUNT))
    with scope.begin() as own:
        count_attempt(own, buckets)

    def once() -> Redeemed:
        with scope.begin() as own:
            return _redeem(own, redeemer, text)

    try:
        redeemed = trying_again(once)
    except CodeNotValid:
        raise
    except Exception:
        _forgive(scope, buckets)
        raise
    _forgive(scope, buckets)
    return redeemed


def _forgive(scope: TenantScope, buckets: Sequence[Bucket]) -> None:
    with scope.begin() as own:
        forgive_attempt(own, buckets)


def _redeem(scope: TenantScope, redeemer: UUID | Guest, text: str) -> Redeemed:
    code, batch = _lock(scope, text)
    customer = _customer(scope, redeemer)
    is_new = customer is None or not _has_used(scope, code, customer)
    if is_new:
        if not _is_valid(scope, code, batch):
            raise CodeNotValid
        _give(scope, code, batch, customer or _guest(scope, redeemer))
    elif customer is not None and not owns_all(scope, customer, batch.product_id):
        # Staff have taken back what the code gave.
        raise CodeNotValid
    return Redeemed(_shown(scope, batch.product_id), is_new)


def _shown(scope: TenantScope, product_id: UUID) -> Product:
    """Read the product with what its answer shows. It comes last, because a gift reads products again."""
    shown = with_details(select(Product), purchasable(scope)).where(Product.id == product_id)
    return scope.session.scalars(shown.execution_options(populate_existing=True)).one()


def _lock(scope: TenantScope, text: str) -> tuple[DownloadCode, CodeBatch]:
    """Lock a code: of several concurrent redemptions, each reads what the one before has used."""
    stored = normalised(text)
    if stored is None:
        raise CodeNotValid
    digest = digest_of(scope.organisation.id, stored)
    found = scope.session.execute(
        select(DownloadCode, CodeBatch)
        .join(
            CodeBatch,
            (CodeBatch.organisation_id == DownloadCode.organisation_id)
            & (CodeBatch.id == DownloadCode.batch_id),
        )
        .where(DownloadCode.digest == digest)
        .with_for_update(of=DownloadCode)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise CodeNotValid
    code, batch = found
    return code, batch


def _is_valid(scope: TenantScope, code: DownloadCode, batch: CodeBatch) -> bool:
    return (
        code.revoked_at is None
        and code.used < batch.uses_per_code
        and (batch.expires_at is None or utcnow() < batch.expires_at)
        and batch.environment == environment_of(scope)
    )


def _customer(scope: TenantScope, redeemer: UUID | Guest) -> Customer | None:
    if isinstance(redeemer, Guest):
        return None
    customer = find_customer(scope, redeemer)
    if customer is None or not customer.is_current:
        raise NotAuthenticated
    return customer


def _guest(scope: TenantScope, redeemer: UUID | Guest) -> Customer:
    """Add a guest, as a purchase does: nothing depends on what else belongs to the address."""
    assert isinstance(redeemer, Guest)  # noqa: S101 - for the type checker: an account is a customer already
    if is_blocked(scope, redeemer.email):
        raise RedemptionRefused
    guest = add_guest(scope, redeemer.email, locale=redeemer.locale)
    scope.session.flush()
    return guest


def _has_used(scope: TenantScope, code: DownloadCode, customer: Customer) -> bool:
    return scope.session.get(CodeUse, (scope.organisation.id, code.id, customer.id)) is not None


def _give(scope: TenantScope, code: DownloadCode, batch: CodeBatch, customer: Customer) -> None:
    try:
        given = give_by_code(scope, customer, batch.product_id, batch.label, actor=f"code:{code.id}")
    except NotFound:
        raise NotAuthenticated from None
    if not given:
        raise AlreadyOwned
    code.used += 1
    scope.session.add(
        CodeUse(organisation_id=scope.organisation.id, code_id=code.id, customer_id=customer.id)
    )
    detail = {"batch": str(batch.id), "product": str(batch.product_id)}
    actor, target = f"customer:{customer.id}", f"code:{code.id}"
    record(scope, actor=actor, action="code.redeemed", target=target, detail=detail)
    if customer.guest:
        notify_given(scope, customer, given)
    scope.session.flush()
