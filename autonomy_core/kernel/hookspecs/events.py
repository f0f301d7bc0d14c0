"""What happens in an organisation: the hooks that take an event."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import TYPE_CHECKING

from autonomy_core.kernel.hooks import hookspec

if TYPE_CHECKING:
    from autonomy_core.kernel.events import (
        CustomerErased,
        CustomerRegistered,
        CustomersMerged,
        CustomerUpdated,
        CustomerVerified,
        DownloadStarted,
        GrantRevoked,
        MailSending,
        PaymentCompleted,
        PaymentDisputed,
        PaymentRefunded,
        PurchaseRequested,
        TrackReady,
    )


@hookspec
def on_purchase_requested(event: PurchaseRequested) -> None:
    """A buyer, with or without an account, wants to buy a product. Raise an error to refuse the purchase.

    Fires: once for each call of a purchase, before a payment is created or an open one is found. The product
    is on sale, and the buyer does not own it yet.
    Transaction: the one that creates the payment; a hook cannot end it. Every purchase waits for the hook. A
    hook that uses ``event.scope.session`` makes the purchase slower.
    Raising: the purchase is refused, and nothing of it is kept. Raise `PurchaseRefused` with a reason for the
    buyer, or `VerifiedEmailRequired`: the API describes these two. Clients get other errors of
    `plugin_api.errors` too; all further errors are answered with 500.
    Twice: yes, because buyers repeat their calls, and a call is retried after a collision.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> from autonomy_core.plugin_api.payments import PurchaseRefused
        >>> @hookimpl
        ... def on_purchase_requested(event):
        ...     if event.customer_id is None:
        ...         raise PurchaseRefused("Only members can buy here.")
    """


@hookspec
def on_payment_completed(event: PaymentCompleted) -> None:
    """A payment has been completed. Grant the products that were bought; they may belong to several plugins.

    Fires: once per payment, when it is settled as completed, whatever reported it.
    Transaction: the one that sets the payment's status. It may complete several payments of the organisation
    that were settled at the same time. The hooks run after that, one by one, in the order of the products'
    ids. So counting completed payments does not tell which is the first, and locks are held until the last
    hook has ended. Do not call other servers here: defer a job.
    Raising: the payment stays completed, and the work of other implementations stays. Only the work of the
    failed one is rolled back. A job runs it again with back-off until it succeeds. Until then, the payment
    lists it by name.
    Twice: yes. It runs again after it raised, and also if another implementation raised and the transaction
    starts again. An implementation must be idempotent.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> @hookimpl
        ... def on_payment_completed(event):
        ...     for item in event.items:
        ...         if item.kind == "ticket":
        ...             event.grant(item.id)
    """


@hookspec
def on_payment_refunded(event: PaymentRefunded) -> None:
    """A refund of a payment was accepted by its provider. `on_grant_revoked` tells which products were lost.

    Fires: once per refund, when its money is on its way to the buyer, whatever reported it. Several refunds
    of one payment are possible. If the bank refuses a refund later, there is no further call.
    Transaction: the one that records the refund, after the grants were revoked. The payment is locked. Do not
    call other servers here: defer a job.
    Raising: as for `on_payment_completed`: the refund stays recorded, only the work of the implementation is
    rolled back, and a job runs it again until it succeeds.
    Twice: yes. It runs again after it raised, and must be idempotent.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> @hookimpl
        ... def on_payment_refunded(event):
        ...     print(event.refund.amount, event.payment.currency, "went back")
    """


@hookspec
def on_payment_disputed(event: PaymentDisputed) -> None:
    """A buyer's bank disputes a payment, or has decided about a dispute: see ``event.dispute.status``.

    Fires: once for each status that a dispute reaches: ``inquiry``, ``open``, ``lost``, ``won``. It does not
    fire for a status that was never reported.
    Transaction: the one that records the dispute, after grants were revoked or restored. The payment is
    locked. Do not call other servers here: defer a job.
    Raising: as for `on_payment_refunded`.
    Twice: yes. It runs again after it raised, and must be idempotent.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> @hookimpl
        ... def on_payment_disputed(event):
        ...     if event.dispute.status == "open":
        ...         print("collect evidence about", event.payment.id)
    """


@hookspec
def on_download(event: DownloadStarted) -> None:
    """A buyer's download or stream of a file begins.

    Fires: after the answer to a GET was decided. The application, nginx or a store sends the bytes.
    It fires if the answer begins with the first byte of the file and has more than two bytes, as some players
    ask for two bytes first. It does not fire for later parts, HEAD, 304, staff and images.
    Transaction: none. The request's own was committed before. The answer waits for the hook, so collect what
    it counts in memory, and write it with `register_flushes`, or defer a job in ``event.scope.begin()``.
    Raising: the error is logged, and the file is sent. The other implementations are called.
    Twice: yes. A player or a download manager asks from the beginning again. It may also not fire although
    bytes were sent: another server may have the file in its cache, and a client may ask for the end only.

    An archive has no ``item_id``: count each thing in its ``contents``.

    Example:
        >>> from collections import Counter
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> counted = Counter()
        >>> @hookimpl
        ... def on_download(event):
        ...     for item in event.contents if event.item_id is None else (event.item_id,):
        ...         counted[item, event.purpose] += 1
    """


@hookspec
def on_grant_revoked(event: GrantRevoked) -> None:
    """A customer has lost a product: its payment was refunded or disputed, or staff have taken a gift back.

    Fires: once for each product that is revoked, and again if the product is restored and revoked later.
    Transaction: the one that revokes the grant. The payment is locked. Do not call other servers here: defer
    a job.
    Raising: as for `on_payment_refunded`. If the grant is restored before the hook has succeeded, the hook
    does not run again. If ``payment_id`` is None, an error keeps staff from taking the product back.
    Twice: yes. It runs again after it raised, and must be idempotent.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> @hookimpl
        ... def on_grant_revoked(event):
        ...     print("end the membership of", event.customer_id, event.reason)
    """


@hookspec
def on_customer_registered(event: CustomerRegistered) -> None:
    """A customer has registered.

    Fires: once per customer. Transaction: the one that creates the customer; a hook cannot end it, see
    docs/transactions.md. Raising: the registration is rolled back and rejected. Twice: no, unless the whole
    request is retried.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> @hookimpl
        ... def on_customer_registered(event):
        ...     print("welcome", event.email)
    """


@hookspec
def on_customer_verified(event: CustomerVerified) -> None:
    """The mailbox of a customer's address has been proven, for the first time.

    Fires: once per address of an account: when its owner opens a link or types a code from a mail. Guests who
    bought with the address are merged into the account afterwards.
    Transaction: the one that records the proof; a hook cannot end it, see docs/transactions.md.
    Raising: the proof is rolled back and rejected. Twice: no, unless the whole request is retried.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> @hookimpl
        ... def on_customer_verified(event):
        ...     if event.from_outside:
        ...         print("forget what was set up for", event.customer_id)
    """


@hookspec
def on_customers_merged(event: CustomersMerged) -> None:
    """Everything of a customer has been moved to another one. Move the rows of your own tables.

    Fires: for each guest, when the address is proven; and when staff merge two accounts. The core has moved
    its own rows: payments, grants, redeemed coupons. Move what the customer owns, and delete the
    credentials and the logins of the source.
    Transaction: the one that merges; a hook cannot end it, see docs/transactions.md.
    Raising: the merging is rolled back and rejected. Twice: no, unless the whole request is retried.

    Example:
        >>> from sqlalchemy import update
        >>> from autonomy_core.plugin_api.grants import Grant
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> @hookimpl
        ... def on_customers_merged(event):
        ...     mine = update(Grant).where(Grant.customer_id == event.source_id)  # a table of the plugin
        ...     event.scope.session.execute(mine.values(customer_id=event.target_id))
    """


@hookspec
def on_mail_sending(event: MailSending) -> None:
    """The worker is about to render a mail. Add values for its template, or refuse it.

    Fires: in the worker, before each attempt to send a mail, unless its template's ``prepare`` or the
    suppression list has refused it.
    Transaction: the one in which the mail is rendered. It commits before the mail is handed over, so what is
    written here stays even if the server does not accept the mail. Do not call other servers here.
    Raising: the transaction is rolled back, and the mail is tried again later.
    Twice: yes, with every attempt. An implementation must be idempotent.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> @hookimpl
        ... def on_mail_sending(event):
        ...     if event.mail.template == "payments.receipt":
        ...         event.add("bonus_url", "https://shop.example/bonus")
        ...     if event.mail.to.endswith("@invalid.example"):
        ...         event.refuse("it is a test address")
    """


@hookspec
def on_track_ready(event: TrackReady) -> None:
    """A recording is there in all formats that the organisation sells.

    Fires: in the worker, after the last missing format of a track was made: after an upload, and again after
    each change for which formats are made anew. It does not fire for organisations that sell masters only.
    Transaction: one of its own, after the one that recorded the last format. The track may have been changed
    or deleted since. Do not call other servers here: defer a job.
    Raising: the formats stay. What the implementations have done is rolled back, and all of them run again
    later, with back-off.
    Twice: yes. An implementation must be idempotent.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> @hookimpl
        ... def on_track_ready(event):
        ...     print(event.track_id, "can be had as", ", ".join(event.formats))
    """


@hookspec
def on_customer_updated(event: CustomerUpdated) -> None:
    """A customer's name, address, language or consent has been changed, or staff have blocked the customer.

    Fires: after each change, with the names of what was changed. Transaction: the one that changes; a hook
    cannot end it, see docs/transactions.md. Raising: the change is rolled back and rejected. Twice: no,
    unless the whole request is retried.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> @hookimpl
        ... def on_customer_updated(event):
        ...     if "email" in event.changed:
        ...         print("write to another address from now on", event.customer_id)
    """


@hookspec
def on_customer_erased(event: CustomerErased) -> None:
    """A customer's personal data is being erased, at the customer's request or by staff.

    It is for consequences, for example a job that removes the customer from another server's list. What the
    plugin itself keeps, `register_personal_data` erases, before this hook is called.

    Fires: once per customer. Transaction: the one that erases; a hook cannot end it, see
    docs/transactions.md. Raising: nothing is erased, and the erasure is tried again. Twice: yes, after it or
    another plugin raised.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> @hookimpl
        ... def on_customer_erased(event):
        ...     print("leave the newsletter", event.customer_id)
    """
