"""What a plugin does for the server: it collects money, receives webhooks, delivers, authenticates, mails."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from autonomy_core.kernel.hooks import hookspec

if TYPE_CHECKING:
    from autonomy_core.kernel.delivery import FileDelivery
    from autonomy_core.kernel.images import ImageProcessor
    from autonomy_core.kernel.mail import Mailer, MailTemplate
    from autonomy_core.kernel.media import MediaFormat
    from autonomy_core.kernel.personal_data import PersonalData
    from autonomy_core.kernel.protocols import (
        Authenticator,
        PaymentProvider,
        ProductKind,
    )
    from autonomy_core.kernel.webhooks import WebhookSource


@hookspec
def register_payment_provider() -> PaymentProvider:
    """A provider that collects money. An organisation uses the first provider among its enabled plugins.

    Fires: at start-up. Transaction: none. Raising: the process does not start. Twice: once per process.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> from autonomy_core.plugin_api.protocols import PaymentProvider
        >>> class Invoices:
        ...     name = "invoices"
        ...     def environment(self, organisation): return "live"
        ...     def price_problem(self, organisation, amount, currency): ...
        ...     def prepare(self, scope, order): ...
        ...     def begin_checkout(self, scope, payment_id, prepared=None): ...
        ...     def attach(self, scope, payment_id, checkout): ...
        ...     def can_be_paid(self, scope, payment_id): return True
        ...     def has_checkout(self, scope, payment_id): return False
        ...     def expire(self, scope, payment_id): ...
        ...     def fetch_state(self, scope, payment_id): ...
        ...     def refund(self, scope, order): ...
        ...     def timeline(self, scope, payment_id): return []
        >>> @hookimpl
        ... def register_payment_provider():
        ...     return Invoices()
        >>> isinstance(register_payment_provider(), PaymentProvider)
        True
    """


@hookspec
def register_webhook_sources() -> Sequence[WebhookSource]:
    """Providers whose webhooks the plugin handles, at ``/api/webhook/{name}/{organisation_id}``.

    Fires: at start-up. Transaction: none. Raising: the process does not start. Twice: once per process.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> from autonomy_core.plugin_api.webhooks import Delivery, WebhookSource
        >>> class Invoices(WebhookSource):
        ...     name, title, header, handled = "invoices", "Invoices", "Mac", frozenset({"invoice.paid"})
        ...     def verify(self, scope, body, signature): return Delivery("1", "invoice.paid", "live", {})
        ...     def handle(self, search, event_type, subject): ...
        >>> @hookimpl
        ... def register_webhook_sources():
        ...     return [Invoices()]
    """


@hookspec
def register_product_kinds() -> Sequence[ProductKind]:
    """The kinds of product that the plugin can deliver. The core provides the kind ``bundle``.

    Fires: at start-up. Transaction: none. Raising: the process does not start. Twice: once per process.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> class Ticket:
        ...     name = "ticket"
        ...     def obstacle_to_sale(self, scope, product_id): return None
        >>> @hookimpl
        ... def register_product_kinds():
        ...     return [Ticket()]
    """


@hookspec
def register_authenticators() -> Sequence[Authenticator]:
    """Authenticators, which identify callers. The core tries them in the order of the plugins' names.

    Fires: at start-up. Transaction: none; ``identify`` runs in the request's transaction. Raising: the
    process does not start. Twice: once per process.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> class Anonymous:
        ...     def identify(self, scope, request): return None
        >>> @hookimpl
        ... def register_authenticators():
        ...     return [Anonymous()]
    """


@hookspec
def register_image_processors() -> Sequence[ImageProcessor]:
    """Programs that decode uploaded images and make their sizes. The core has ``pillow``.

    ``autonomy.images.processor`` in the server's ini file selects one for all organisations.

    Fires: at start-up. Transaction: none; the processor's function runs in a child process. Raising: the
    process does not start. Twice: once per process.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> class Vips:
        ...     name = "vips"
        ...     function = "vips_images.child:process"
        >>> @hookimpl
        ... def register_image_processors():
        ...     return [Vips()]
    """


@hookspec
def register_deliveries() -> Sequence[FileDelivery]:
    """Other servers that send stored files to clients. The core has ``accel``, ``sendfile`` and ``redirect``.

    ``[files] delivery`` in an organisation's ini file or ``autonomy.files.delivery`` selects one by its name.

    Fires: at start-up. Transaction: none; ``hand_over`` runs in a request, and must not call another server.
    Raising: the process does not start. An error of ``hand_over`` is logged, and the application sends the
    file itself. Twice: once per process.

    Example:
        >>> import hmac, time
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> from autonomy_core.plugin_api.protocols import Redirect
        >>> class TokenCdn:
        ...     name = "token_cdn"  # in front of the bucket; it verifies a token in the URL
        ...     def hand_over(self, scope, file):
        ...         signed = f"/{file.path}?expires={int(time.time()) + file.seconds}"
        ...         token = hmac.digest(b"shared with the CDN", signed.encode(), "sha256").hex()
        ...         return Redirect(f"https://files.example{signed}&token={token}")
        >>> @hookimpl
        ... def register_deliveries():
        ...     return [TokenCdn()]
    """


@hookspec
def register_media_formats() -> Sequence[MediaFormat]:
    """Formats in which recordings are sold, besides those of the core.

    An organisation that has enabled the plugin can name them in ``formats`` of ``[media_mp3]``.

    Fires: at start-up. Transaction: none; ``options`` is called in the worker. Raising: the process does not
    start. Twice: once per process.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> class Vorbis:
        ...     name, title, lossless = "vorbis", "Ogg Vorbis", False
        ...     media_type, extension, encoder, tags = "audio/ogg", ".ogg", "libvorbis", "ogg"
        ...     def options(self, recording):
        ...         channels = str(min(recording.channels, 2))
        ...         return ("-c:a", self.encoder, "-q:a", "6", "-ac", channels, "-f", "ogg")
        >>> @hookimpl
        ... def register_media_formats():
        ...     return [Vorbis()]
    """


@hookspec
def register_mail_templates() -> Sequence[MailTemplate]:
    """The kinds of mail that the plugin sends, with `plugin_api.mail.send`. See docs/mail.md.

    Fires: at start-up. Transaction: none; ``prepare`` of a template runs in the transaction of each delivery.
    Raising: the process does not start. Twice: once per process.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> from autonomy_core.plugin_api.mail import MailTemplate
        >>> @hookimpl
        ... def register_mail_templates():
        ...     return [MailTemplate("bonus_track.thanks", "bonus_track", sample={"title": "First Light"})]
    """


@hookspec
def register_mailers() -> Sequence[Mailer]:
    """Further ways to hand over mail, for example the API of a provider.

    ``autonomy.mail.url`` or ``[mail] url`` selects a mailer by the scheme of the URL.

    Fires: at start-up. Transaction: none; a mailer is called in no transaction. Raising: the process does not
    start. Twice: once per process.

    Example:
        >>> from contextlib import contextmanager
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> class Printer:
        ...     name = "printer"
        ...     @contextmanager
        ...     def connect(self, account):
        ...         yield self
        ...     def deliver(self, letter):
        ...         print(letter.message["Subject"])
        ...         return "printed"
        >>> @hookimpl
        ... def register_mailers():
        ...     return [Printer()]
    """


@hookspec
def register_personal_data() -> PersonalData:
    """What the plugin keeps of customers: how it is exported for the customer, and how it is erased.

    A plugin whose tables name customers implements it. It is named as the plugin.

    Fires: at start-up. Transaction: none; ``export`` and ``erase`` work in their caller's transaction, which
    they cannot end. Raising: the process does not start; an erasure that raises is rolled back and tried
    again. Twice: once per process; ``erase`` may run again, and must be idempotent.

    Example:
        >>> from sqlalchemy import delete, select
        >>> from autonomy_core.plugin_api.customers import PersonalData
        >>> from autonomy_core.plugin_api.grants import Grant
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> def export(scope, customer_id):
        ...     mine = select(Grant).where(Grant.customer_id == customer_id)  # a table of the plugin
        ...     yield "bonuses.json", [{"product": row.product_id} for row in scope.session.scalars(mine)]
        >>> def erase(scope, customer_id):
        ...     scope.session.execute(delete(Grant).where(Grant.customer_id == customer_id))
        >>> @hookimpl
        ... def register_personal_data():
        ...     return PersonalData("bonus_track", export, erase)
    """
