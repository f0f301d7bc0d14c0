"""What the catalogue shows of covers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, Final
from uuid import UUID

from autonomy_core.catalog.models import Product
from autonomy_core.catalog.parts import parts_of
from autonomy_core.images import services
from autonomy_core.images.urls import ImageDocuments
from autonomy_core.kernel.listing import PartOf
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.traversal.resources import Resource

SUBJECT: Final = "product"
"""The kind of thing that has the image; see `images.models.ImageUse`."""

Thing = tuple[str, UUID]
"""What has an image: the kind of thing, and its id."""


def with_covers(context: Resource, products: Sequence[Product], *, scope: TenantScope | None = None) -> None:
    """Set `cover` and `part_of` of products and of the products in bundles, and the covers of their tracks.

    A part without a cover shows that of its content, or of the whole. A track without one shows that of its
    product.

    Args:
        context: the request's context.
        products: the products, with their items, and with their tracks if the answer shows them.
        scope: in a transaction; None for that of the request.
    """
    every = {each.id: each for product in products for each in (product, *product.items)}.values()
    own = scope or context.scope
    parts = parts_of(own, every)
    shown_by = {product.id: [*_having_covers(product, parts.get(product.id))] for product in every}
    of_tracks = [
        (track.image, track.id) for product in every for track in product.tracks if track.image is not None
    ]
    images = _images_of(own, [*chain.from_iterable(shown_by.values()), *of_tracks])
    documents = ImageDocuments(context)
    for product in every:
        image = next((images[thing] for thing in shown_by[product.id] if thing in images), None)
        product.cover = documents.document(image, product.title)
        product.part_of = parts[product.id].whole if product.id in parts else None
        product.tracks = [
            replace(track, cover=documents.document(found, track.title) if found else product.cover)
            for track in product.tracks
            for found in [images.get((track.image or "", track.id))]
        ]


def _having_covers(product: Product, part: PartOf | None) -> Iterator[Thing]:
    """Yield the things whose image is the cover of a product, if those before have none."""
    yield SUBJECT, product.id
    if part is not None:
        if part.image is not None:
            yield part.image
        yield SUBJECT, part.whole


def _images_of(scope: TenantScope, things: Iterable[Thing]) -> Mapping[Thing, services.CurrentImage]:
    """The images of things, in one query for each kind of thing."""
    by_subject: dict[str, list[UUID]] = {}
    for subject, subject_id in things:
        by_subject.setdefault(subject, []).append(subject_id)
    return {
        (subject, subject_id): image
        for subject, subject_ids in by_subject.items()
        for subject_id, image in services.images_of(scope, subject, subject_ids).items()
    }


def with_cover(context: Resource, product: Product) -> Product:
    """Set `Product.cover` of one product, and return it."""
    with_covers(context, [product])
    return product


def with_cover_later(context: Resource, product: Product) -> Product:
    """Set `Product.cover` of a product in a view that has no transaction of its own, and return it."""
    with context.scope.begin() as own:
        with_covers(context, [product], scope=own)
    return product


def with_covers_of_page(context: Resource, page: dict[str, Any]) -> dict[str, Any]:
    """Set `Product.cover` of the products of a page, and return it."""
    with_covers(context, page["items"])
    return page
