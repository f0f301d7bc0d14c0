"""The events of ``on_…`` hooks about what is for sale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from autonomy_core.kernel.scope import TenantScope

__all__ = ["ImageChanged", "ProductChanged"]


@dataclass(frozen=True, slots=True)
class ProductChanged:
    """Values of a product were changed in the current transaction.

    Attributes:
        scope: the organisation's scope, with the session of the current transaction.
        product_id: the product.
        kind: its kind, for example ``mp3`` or ``bundle``.
        changed: the names of the values that differ now, as `catalog.change_product` takes them, for example
            ``title``, ``release_date``, ``amount`` or ``archived``; never empty.
    """

    scope: TenantScope
    product_id: UUID
    kind: str
    changed: frozenset[str]


@dataclass(frozen=True, slots=True)
class ImageChanged:
    """A thing got another image, another text for it, or has none any more, in the current transaction.

    Attributes:
        scope: the organisation's scope, with the session of the current transaction.
        subject: the kind of thing: ``product``, or ``<plugin>.<kind>``.
        subject_id: its id.
        changed: ``digest`` if the picture differs now, ``alt`` if its text does, or both; never empty.
    """

    scope: TenantScope
    subject: str
    subject_id: UUID
    changed: frozenset[str]
