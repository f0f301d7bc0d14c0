"""The interfaces of product kinds whose products have tracks that visitors see, or are parts of others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from uuid import UUID

if TYPE_CHECKING:
    from autonomy_core.kernel.scope import TenantScope


@dataclass(frozen=True, slots=True)
class ListedFormat:
    """A format in which a buyer gets a recording.

    Attributes:
        name: how URLs name it: ``mp3_v0``.
        title: for people: ``MP3 V0``.
        lossless: whether it is.
    """

    name: str
    title: str
    lossless: bool


@dataclass(frozen=True, slots=True)
class ListedTrack:
    """A recording in the public list of a product's content.

    Attributes:
        id: of the recording.
        title: its title.
        artist: its artist; None for that of the product.
        duration_ms: milliseconds.
        disc: the number of the disc, from 1.
        number: the number on the disc, from 1.
        explicit: whether the content is explicit.
        isrc: the International Standard Recording Code without hyphens; None without one.
        instant: whether a buyer of a pre-order gets it at once.
        preview_url: where visitors can hear a part of it: a URL, or a path below the API's root such as
            ``products/…/preview``; None if they cannot.
        formats: in which a buyer gets it.
        image: the kind of thing whose image is its cover, see `put_image`; None if tracks have no images.
        product_id: the product with which it is bought alone; None if it is not.
    """

    id: UUID
    title: str
    artist: str | None
    duration_ms: int
    disc: int
    number: int
    explicit: bool = False
    isrc: str | None = None
    instant: bool = False
    preview_url: str | None = None
    formats: tuple[ListedFormat, ...] = ()
    image: str | None = None
    product_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class PartOf:
    """What a product is a part of.

    Attributes:
        whole: the other product.
        image: what has the cover of the part: the kind of thing, see `put_image`, and its id.
    """

    whole: UUID
    image: tuple[str, UUID] | None = None


@dataclass(frozen=True, slots=True)
class ListedExtra:
    """A file that comes with a product, in the public list of its content.

    Attributes:
        title: its title.
        format: its format: ``pdf``.
        size: of the file, in bytes.
    """

    title: str
    format: str
    size: int


@runtime_checkable
class ListingKind(Protocol):
    """A `ProductKind` whose products have tracks that visitors see before they buy."""

    name: str

    def tracks_of(
        self, scope: TenantScope, product_ids: Collection[UUID]
    ) -> Mapping[UUID, Sequence[ListedTrack]]:
        """The public tracks of products of this kind, in their order.

        The core calls this once for each answer with tracks, in its own transaction, which it cannot end; see
        `PaymentProvider`. The answer may be kept until a table of the catalogue changes, for a minute at
        most: declare the tables with `add_to_catalogue`.

        Args:
            scope: the organisation's scope.
            product_ids: the products.

        Returns:
            The tracks by the id of the product. A product without tracks may be missing.
        """


@runtime_checkable
class WholeKind(Protocol):
    """A `ProductKind` whose products a buyer gets as a whole, in a format of the buyer's choice."""

    name: str

    def formats_of(
        self, scope: TenantScope, product_ids: Collection[UUID]
    ) -> Mapping[UUID, Sequence[ListedFormat]]:
        """The formats in which a buyer gets a whole product, the first by default.

        The core calls this as it calls `ListingKind.tracks_of`.

        Args:
            scope: the organisation's scope.
            product_ids: the products.

        Returns:
            The formats by the id of the product. A product without any may be missing.
        """


@runtime_checkable
class ExtrasKind(Protocol):
    """A `ProductKind` whose products come with further files, which visitors see listed before they buy."""

    name: str

    def extras_of(
        self, scope: TenantScope, product_ids: Collection[UUID]
    ) -> Mapping[UUID, Sequence[ListedExtra]]:
        """The files that come with products of this kind, in their order. See `ListingKind.tracks_of`.

        Args:
            scope: the organisation's scope.
            product_ids: the products.

        Returns:
            The files by the id of the product. A product without any may be missing.
        """


@runtime_checkable
class PartKind(Protocol):
    """A `ProductKind` whose products are parts of other products, such as single tracks of a release.

    The list of products has the whole only. A customer who owns the whole cannot buy the part. A part without
    a cover shows that of its content, or of the whole.
    """

    name: str

    def wholes_of(self, scope: TenantScope, product_ids: Collection[UUID]) -> Mapping[UUID, PartOf]:
        """What products of this kind are parts of. See `ListingKind.tracks_of`.

        Args:
            scope: the organisation's scope. In a purchase, its session makes the purchase slower.
            product_ids: the products.

        Returns:
            The wholes by the id of the part. A product that is no part may be missing.
        """


@runtime_checkable
class DerivedKind(Protocol):
    """A `ProductKind` whose products its plugin makes from something else, such as a track of a release.

    The call that makes products refuses the kind: without that thing, such a product could never be sold. The
    plugin itself calls `create_product`.
    """

    name: str
    how_to_make: str
    """By which call staff make such a product, as a sentence."""
