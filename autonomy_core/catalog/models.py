"""The tables of products and of the products in bundles."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, SmallInteger, event, select, text
from sqlalchemy import Text as TextType
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, column_property, mapped_column, query_expression, relationship
from sqlalchemy.orm.attributes import set_committed_value

from autonomy_core.catalog.descriptions import plain_text, rendered
from autonomy_core.catalog.domain import State, state_of
from autonomy_core.catalog.tracks import ShownTrack
from autonomy_core.db.base import Base, Identified, OrganisationScoped, tenant_key, utcnow
from autonomy_core.kernel.listing import ListedExtra, ListedFormat
from autonomy_core.prices import models as prices

BUNDLE = "bundle"
"""The kind of products that consist of other products.

It belongs to the core, so every organisation has it.
"""


class Product(Identified, Base):
    """A product of an organisation.

    ``amount`` is in the minor unit of ``currency``. ``items`` are the products of a bundle, in their order;
    they are empty for other products. An archived product is neither sold nor listed; customers who own it
    keep it. ``purchasable`` is only set by the queries in `availability`, ``tracks``, ``formats`` and
    ``extras`` only by `listing`.

    ``pay_what_you_want``, ``suggested_amount`` and ``other_prices`` are as in `prices.domain.Priced`.
    """

    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("amount >= 0", name="amount_not_negative"),
        CheckConstraint(prices.CURRENCY, name="currency"),
        Index(None, "organisation_id", "amount", "id"),
    )

    title: Mapped[str]
    description: Mapped[str]
    kind: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)

    purchasable: Mapped[bool | None] = query_expression()
    if TYPE_CHECKING:
        archived_at: Mapped[datetime | None]
        pay_what_you_want: Mapped[bool]
        suggested_amount: Mapped[int | None]
        other_prices: Mapped[list[dict[str, Any]]]
        tracks: Sequence[ShownTrack]
        formats: Sequence[ListedFormat]
        extras: Sequence[ListedExtra]
        part_of: UUID | None  # set by `cover_documents`, as the following
        cover: dict[str, Any]
    else:
        tracks = ()
        formats = ()
        extras = ()
        part_of = None
    items: Mapped[list[Product]] = relationship(
        secondary="bundle_items",
        primaryjoin=(
            "and_(Product.organisation_id == BundleItem.organisation_id, Product.id == BundleItem.bundle_id)"
        ),
        secondaryjoin=(
            "and_(Product.organisation_id == BundleItem.organisation_id, Product.id == BundleItem.product_id)"
        ),
        order_by="BundleItem.position",
        viewonly=True,
    )
    details: Mapped[ProductDetails | None] = relationship(
        primaryjoin=(
            "and_(Product.organisation_id == foreign(ProductDetails.organisation_id), "
            "Product.id == foreign(ProductDetails.product_id))"
        ),
        uselist=False,
        viewonly=True,
    )

    @property
    def shown(self) -> ProductDetails:
        """The details; empty ones if the product has none yet."""
        return self.details or ProductDetails.of_nothing()

    @property
    def description_html(self) -> str:
        """The description as HTML."""
        return rendered(self.description)

    @property
    def description_text(self) -> str:
        """The description as plain text."""
        return plain_text(self.description)

    @property
    def state(self) -> State:
        """Whether it is a draft, scheduled, published or archived at present."""
        return state_of(
            active=self.active,
            archived_at=self.archived_at,
            published_at=self.shown.published_at,
            now=utcnow(),
        )

    @property
    def available_at(self) -> datetime | None:
        """The moment in the future from which its owners get its content; None if they get it now."""
        released_at = self.shown.released_at
        return released_at if released_at is not None and released_at > utcnow() else None


@event.listens_for(Product, "init")
def _is_in_no_other_table(product: Product, *_: Any) -> None:
    set_committed_value(product, "archived_at", None)
    set_committed_value(product, "pay_what_you_want", False)
    set_committed_value(product, "suggested_amount", None)
    set_committed_value(product, "other_prices", [])


class ProductDetails(OrganisationScoped, Base):
    """What people read about a product.

    A separate table, because migrations do not change `products` while it is read. A product that an older
    version of the server made has no row until the job ``catalog.complete`` adds it.

    Attributes:
        slug: the present name in URLs.
        release_date: the day of the release in the organisation's time zone.
        released_at: when that day begins, aware. It is stored, so that a condition needs no time zone.
        preorder: whether it is sold before its release.
        published_at: from when it is listed and sold, aware; None for at once.
        credits: a list of objects with ``role`` and ``name``.
        tags: as `tag_of` writes them, in the order of staff.
        upc: an EAN or UPC.
        languages: tags of BCP 47.
        explicit: whether the content is explicit.
    """

    __tablename__ = "product_details"
    __table_args__ = (
        tenant_key("product_id", "products"),
        CheckConstraint("(release_date IS NULL) = (released_at IS NULL)", name="moment_of_release"),
        *(
            Index(
                f"ix_product_details_{moment}",
                "organisation_id",
                moment,
                postgresql_where=text(f"{moment} IS NOT NULL"),
            )
            for moment in ("published_at", "released_at")
        ),
    )

    product_id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str]
    artist: Mapped[str | None]
    label: Mapped[str | None]
    release_date: Mapped[date | None]
    released_at: Mapped[datetime | None]
    preorder: Mapped[bool] = mapped_column(default=False)
    published_at: Mapped[datetime | None]
    credits: Mapped[list[dict[str, str]]] = mapped_column(JSONB, default=list, server_default=text("'[]'"))
    tags: Mapped[list[str]] = mapped_column(ARRAY(TextType), default=list)
    upc: Mapped[str | None]
    languages: Mapped[list[str]] = mapped_column(ARRAY(TextType), default=list)
    explicit: Mapped[bool] = mapped_column(default=False)

    @classmethod
    def of_nothing(cls) -> ProductDetails:
        """Details without a row, of a product that has none."""
        return cls(credits=[], tags=[], languages=[], explicit=False, preorder=False)


class ProductSlug(OrganisationScoped, Base):
    """A present or former slug of a product. It stays with the product, so that links to it keep working."""

    __tablename__ = "product_slugs"
    __table_args__ = (tenant_key("product_id", "products"),)

    slug: Mapped[str] = mapped_column(primary_key=True)
    product_id: Mapped[UUID]
    taken_at: Mapped[datetime] = mapped_column(default=utcnow)


class ProductTerm(OrganisationScoped, Base):
    """A word, tag, artist or title by which a product is found; see `terms`."""

    __tablename__ = "product_terms"
    __table_args__ = (
        tenant_key("product_id", "products"),
        Index(None, "organisation_id", "product_id"),
    )

    field: Mapped[str] = mapped_column(primary_key=True)
    term: Mapped[str] = mapped_column(TextType(collation="C"), primary_key=True)
    product_id: Mapped[UUID] = mapped_column(primary_key=True)


class WordTrigram(OrganisationScoped, Base):
    """A trigram of a word that a product has or had, to find it when it is misspelt.

    ``size`` is the number of trigrams of the word.
    """

    __tablename__ = "product_word_trigrams"

    trigram: Mapped[str] = mapped_column(TextType(collation="C"), primary_key=True)
    word: Mapped[str] = mapped_column(TextType(collation="C"), primary_key=True)
    size: Mapped[int] = mapped_column(SmallInteger)


class ArchivedProduct(OrganisationScoped, Base):
    """The archiving of a product.

    A separate table, because migrations do not change `products` while it is read.
    """

    __tablename__ = "archived_products"
    __table_args__ = (tenant_key("product_id", "products"),)

    product_id: Mapped[UUID] = mapped_column(primary_key=True)
    archived_at: Mapped[datetime]


Product.archived_at = column_property(
    select(ArchivedProduct.archived_at)
    .where(
        ArchivedProduct.organisation_id == Product.organisation_id,
        ArchivedProduct.product_id == Product.id,
    )
    .correlate_except(ArchivedProduct)
    .scalar_subquery(),
    expire_on_flush=False,
)

_KEY = (Product.organisation_id, Product.id)
Product.pay_what_you_want = column_property(prices.is_open(*_KEY), expire_on_flush=False)
Product.suggested_amount = column_property(prices.suggestion(*_KEY), expire_on_flush=False)
Product.other_prices = column_property(prices.others(*_KEY), expire_on_flush=False)


class BundleItem(OrganisationScoped, Base):
    """A product in a bundle. ``position`` defines the order of the products."""

    __tablename__ = "bundle_items"
    __table_args__ = (
        tenant_key("bundle_id", "products"),
        tenant_key("product_id", "products"),
        CheckConstraint("bundle_id <> product_id", name="not_itself"),
    )

    bundle_id: Mapped[UUID] = mapped_column(primary_key=True)
    product_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int]
