"""What happens to what is for sale: hooks that take an event."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import TYPE_CHECKING

from autonomy_core.kernel.hooks import hookspec

if TYPE_CHECKING:
    from autonomy_core.kernel.product_events import ImageChanged, ProductChanged


@hookspec
def on_product_changed(event: ProductChanged) -> None:
    """Values of a product have been changed, by staff or by a plugin: texts, prices, dates, state, items.

    Fires: after each change, with the names of what differs; not if nothing differs, and not for a new
    product. It does not fire when a moment comes at which a product is listed or released. The cover is an
    image, see `on_image_changed`. Tracks and extras belong to the plugin of the product's kind.
    Transaction: the one that changes, in which the product is locked; a hook cannot end it, see
    docs/transactions.md. Do not call other servers here: defer a job.
    Raising: the change is rolled back and rejected. Clients get errors of `plugin_api.errors`; others are
    answered with 500.
    Twice: yes. A request that collides with another is retried, after the first attempt was rolled back. A
    hook that changes the product runs again for that change.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> @hookimpl
        ... def on_product_changed(event):
        ...     if event.kind == "ticket" and "title" in event.changed:
        ...         print("print the tickets of", event.product_id, "again")
    """


@hookspec
def on_image_changed(event: ImageChanged) -> None:
    """A product, or a thing of a plugin, has got another image, another text for it, or has none any more.

    Fires: after each upload, change and removal, with the names of what differs; not if nothing differs, and
    not if the thing itself is deleted.
    Transaction: the one that changes; a hook cannot end it, see docs/transactions.md. The image and its use
    are locked; the thing itself is not. Do not call other servers here: defer a job.
    Raising: as for `on_product_changed`. A refused upload can be repeated; the job ``images.collect`` removes
    its files.
    Twice: as for `on_product_changed`.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> @hookimpl
        ... def on_image_changed(event):
        ...     if event.subject == "product" and "digest" in event.changed:
        ...         print("print the posters of", event.subject_id, "again")
    """
