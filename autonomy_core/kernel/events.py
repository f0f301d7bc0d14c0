"""The events of ``on_…`` hooks. Each hook takes one frozen object, so that fields can be added compatibly."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autonomy_core.kernel.settlements import DisputeFacts, PaymentFacts, RefundFacts

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import Any, Literal
    from uuid import UUID

    from autonomy_core.kernel.mail import Mail
    from autonomy_core.kernel.scope import TenantScope
    from autonomy_core.tenancy.domain import Environment

__all__ = [
    "BoughtProduct",
    "CustomerErased",
    "CustomerRegistered",
    "CustomerUpdated",
    "CustomerVerified",
    "CustomersMerged",
    "DisputeFacts",
    "DownloadStarted",
    "GrantRevoked",
    "MailSending",
    "PaymentCompleted",
    "PaymentDisputed",
    "PaymentFacts",
    "PaymentRefunded",
    "PurchaseRequested",
    "RefundFacts",
    "TrackReady",
]


@dataclass(frozen=True, slots=True)
class BoughtProduct:
    """A product that was bought, alone or in a bundle.

    Attributes:
        id: the product's id.
        kind: the kind in the plugin that delivers it, for example ``mp3``; never ``bundle``.
    """

    id: UUID
    kind: str


@dataclass(frozen=True, slots=True)
class PaymentCompleted:
    """A payment was completed in the current transaction.

    Attributes:
        scope: the organisation's scope, with the session of the current transaction.
        payment: the payment.
        plugin: the plugin that receives this event. Its grants are recorded under its name.
        items: the products that were bought; for a bundle, its products at the start of the purchase.
    """

    scope: TenantScope
    payment: PaymentFacts
    plugin: str
    items: tuple[BoughtProduct, ...]
    _grant: Callable[[UUID], None] = field(repr=False, compare=False)

    def grant(self, product_id: UUID) -> None:
        """Grant a product to the payment's customer. Repeated calls for the same product have no effect.

        The grant may be written later in the same transaction, but before the session's next query.

        Args:
            product_id: a product of the same organisation.

        Raises:
            NotFound: the organisation has no such product.
        """
        self._grant(product_id)


@dataclass(frozen=True, slots=True)
class PaymentRefunded:
    """The provider has accepted a refund of a payment.

    Attributes:
        scope: the organisation's scope, with the session of the current transaction.
        payment: the payment.
        plugin: the plugin that receives this event.
        refund: the refund.
    """

    scope: TenantScope
    payment: PaymentFacts
    plugin: str
    refund: RefundFacts


@dataclass(frozen=True, slots=True)
class PaymentDisputed:
    """The buyer's bank has disputed a payment, or has decided about a dispute.

    Attributes:
        scope: the organisation's scope, with the session of the current transaction.
        payment: the payment.
        plugin: the plugin that receives this event.
        dispute: the dispute, with the status that this event is about.
    """

    scope: TenantScope
    payment: PaymentFacts
    plugin: str
    dispute: DisputeFacts


@dataclass(frozen=True, slots=True)
class DownloadStarted:
    """A buyer's download or stream of a file has begun.

    Attributes:
        scope: the organisation's scope, in no transaction.
        customer_id: the customer who owns the product.
        product_id: the product.
        item_id: what of the product, for example a track; None for the whole.
        purpose: ``stream`` for a player, ``download`` for a file to keep.
        files: the plugin and the area of the file: ``media_mp3/recordings``. An archive is in no area, and is
            ``media_mp3/archives``.
        media_type: the Content-Type of the file.
        size: of the whole file, in bytes.
        contents: what an archive consists of, for example tracks and extras; empty for any other file.
    """

    scope: TenantScope
    customer_id: UUID
    product_id: UUID
    item_id: UUID | None
    purpose: Literal["stream", "download"]
    files: str
    media_type: str
    size: int
    contents: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class GrantRevoked:
    """A customer has lost a product.

    Attributes:
        scope: the organisation's scope, with the session of the current transaction.
        plugin: the plugin that receives this event.
        customer_id: the customer.
        product_id: the product.
        payment_id: the payment by which the customer got the product; None if staff had given it.
        environment: ``test`` or ``live``.
        granted_by: the plugin that had granted it; ``staff`` if staff had given it.
        reason: why it was revoked: ``refunded``, ``disputed``, ``dispute lost``, or staff's own words.
        revoked_at: when it was revoked, timezone-aware.
    """

    scope: TenantScope
    plugin: str
    customer_id: UUID
    product_id: UUID
    payment_id: UUID | None
    environment: Environment
    granted_by: str
    reason: str
    revoked_at: datetime


@dataclass(frozen=True, slots=True)
class PurchaseRequested:
    """A buyer wants to buy a product; no payment exists yet.

    Attributes:
        scope: the organisation's scope, in the transaction of the purchase.
        product_id: the product.
        customer_id: the buyer's account; None for a buyer without an account.
        email_verified: whether the buyer has proved that the mailbox of the address is theirs. False for a
            buyer without an account.
    """

    scope: TenantScope
    product_id: UUID
    customer_id: UUID | None
    email_verified: bool


@dataclass(frozen=True, slots=True)
class TrackReady:
    """A recording is there in all formats that the organisation sells.

    Attributes:
        scope: the organisation's scope, with the session of the current transaction.
        track_id: the track.
        product_id: the product that it belongs to.
        formats: the names of its formats, in the organisation's order.
    """

    scope: TenantScope
    track_id: UUID
    product_id: UUID
    formats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CustomerRegistered:
    """A customer was registered in the current transaction."""

    scope: TenantScope
    customer_id: UUID
    email: str


@dataclass(frozen=True, slots=True)
class CustomerVerified:
    """The mailbox of a customer's address was proven for the first time, in the current transaction.

    Attributes:
        scope: the organisation's scope, with the session of the current transaction.
        customer_id: the account.
        email: the address that was proven.
        from_outside: whether the account existed before, and the proof does not come from one of its own
            sessions. Then the person who set up the account may be another one than the mailbox's owner. A
            plugin must remove everything that lets that person in, such as passwords and sessions.
    """

    scope: TenantScope
    customer_id: UUID
    email: str
    from_outside: bool


@dataclass(frozen=True, slots=True)
class CustomersMerged:
    """Everything of a customer was moved to another customer, in the current transaction.

    Attributes:
        scope: the organisation's scope, with the session of the current transaction.
        source_id: the customer who ended, a guest or an account. No login as this customer may stay.
        target_id: the account that has everything now.
    """

    scope: TenantScope
    source_id: UUID
    target_id: UUID


@dataclass(frozen=True, slots=True)
class MailSending:
    """The worker is about to render a mail.

    Attributes:
        scope: the organisation's scope, with the session of the delivery's transaction.
        mail: the mail, with the values that it was given.
    """

    scope: TenantScope
    mail: Mail
    _add: Callable[[str, Any], None] = field(repr=False, compare=False)
    _refuse: Callable[[str], None] = field(repr=False, compare=False)

    def add(self, name: str, value: Any) -> None:
        """Give the template a further value, for example the address of a page. It is not stored.

        Args:
            name: the name of the value in the template.
            value: the value. It replaces a value of the same name.
        """
        self._add(name, value)

    def refuse(self, reason: str) -> None:
        """Prevent the mail from being sent. The other implementations are still called.

        Args:
            reason: for staff, as a clause without a full stop.
        """
        self._refuse(reason)


@dataclass(frozen=True, slots=True)
class CustomerUpdated:
    """Something about a customer was changed in the current transaction.

    Attributes:
        scope: the organisation's scope, with the session of the current transaction.
        customer_id: the customer.
        changed: the names of what was changed: ``name``, ``email``, ``locale``, ``marketing_at``,
            ``blocked_at``, ``deletion_due_at``.
    """

    scope: TenantScope
    customer_id: UUID
    changed: frozenset[str]


@dataclass(frozen=True, slots=True)
class CustomerErased:
    """A customer's personal data is being erased in the current transaction.

    Attributes:
        scope: the organisation's scope, with the session of the current transaction.
        customer_id: the customer. The core's row still has the address and the name.
    """

    scope: TenantScope
    customer_id: UUID
