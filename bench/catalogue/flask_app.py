"""The application to compare with: a short hand-written catalogue with Flask and SQLAlchemy's ORM.

It has the organisations in one database, finds one by the host, and sets it for row-level security. Its
answers have the members that those of this project have.
"""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from typing import Any

from flask import Flask, abort, request
from sqlalchemy import ForeignKeyConstraint, Text, create_engine, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
    sessionmaker,
)

SIZES = ("120", "300", "600", "1200", "full")


class Base(DeclarativeBase):
    """The base of the models."""


class Organisation(Base):
    """A shop."""

    __tablename__ = "organisations"
    id: Mapped[str] = mapped_column(primary_key=True)
    host: Mapped[str] = mapped_column(unique=True)


class Product(Base):
    """A product."""

    __tablename__ = "products"
    organisation_id: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str]
    title: Mapped[str]
    artist: Mapped[str | None]
    label: Mapped[str | None]
    description: Mapped[str]
    kind: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str]
    pay_what_you_want: Mapped[bool]
    suggested_amount: Mapped[int | None]
    release_date: Mapped[date | None]
    preorder: Mapped[bool]
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    languages: Mapped[list[str]] = mapped_column(ARRAY(Text))
    explicit: Mapped[bool]
    published_at: Mapped[datetime | None]
    cover: Mapped[Cover | None] = relationship()
    prices: Mapped[list[Price]] = relationship()


def _of_product() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["organisation_id", "product_id"], ["products.organisation_id", "products.id"]
    )


class Cover(Base):
    """The cover of a product."""

    __tablename__ = "covers"
    __table_args__ = (_of_product(),)
    organisation_id: Mapped[str] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    colour: Mapped[str]
    alt: Mapped[str | None]


class Price(Base):
    """A price in a further currency."""

    __tablename__ = "prices"
    __table_args__ = (_of_product(),)
    organisation_id: Mapped[str] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    amount: Mapped[int]


def listed(session: Session, organisation_id: str, limit: int) -> list[Product]:
    """Return the newest products that visitors see, and one more to tell whether there are others."""
    published = or_(Product.published_at.is_(None), Product.published_at <= datetime.now(UTC))
    statement = (
        select(Product)
        .where(Product.organisation_id == organisation_id, published)
        .order_by(Product.id.desc())
        .limit(limit + 1)
        .options(joinedload(Product.cover), selectinload(Product.prices))
    )
    return list(session.scalars(statement))


def cover_of(product: Product, root: str) -> dict[str, Any]:
    """Return what the answer shows of a cover."""
    cover = product.cover
    if cover is None:
        return {"placeholder": True}
    return {
        "placeholder": False,
        "urls": {size: f"{root}/{cover.digest}/{size}" for size in SIZES},
        "width": cover.width,
        "height": cover.height,
        "colour": cover.colour,
        "alt": cover.alt or product.title,
    }


def shown(product: Product, root: str) -> dict[str, Any]:
    """Return what the answer shows of a product."""
    today = datetime.now(UTC).date()
    awaited = product.release_date is not None and product.release_date > today
    return {
        "id": product.id,
        "slug": product.slug,
        "title": product.title,
        "artist": product.artist,
        "label": product.label,
        "description": product.description,
        "kind": product.kind,
        "amount": product.amount,
        "currency": product.currency,
        "pay_what_you_want": product.pay_what_you_want,
        "suggested_amount": product.suggested_amount,
        "other_prices": [{"currency": price.currency, "amount": price.amount} for price in product.prices],
        "release_date": product.release_date and product.release_date.isoformat(),
        "available_at": product.release_date.isoformat() if product.release_date and awaited else None,
        "preorder": product.preorder,
        "purchasable": product.preorder or not awaited,
        "tags": product.tags,
        "languages": product.languages,
        "explicit": product.explicit,
        "cover": cover_of(product, root),
        "items": [],
    }


def create_app() -> Flask:
    """Build the application. The environment contains ``DATABASE_URL`` and ``POOL_SIZE``."""
    app = Flask(__name__)
    engine = create_engine(os.environ["DATABASE_URL"], pool_size=int(os.environ["POOL_SIZE"]))
    sessions = sessionmaker(engine)
    app.extensions["engine"] = engine
    with sessions() as session:
        by_host = {each.host: each.id for each in session.scalars(select(Organisation))}

    @app.get("/api/v1/products")
    def products() -> dict[str, Any]:
        organisation_id = by_host.get(request.host)
        if organisation_id is None:
            abort(404)
        limit = min(request.args.get("limit", 20, int), 100)
        with sessions.begin() as session:
            session.execute(select(func.set_config("app.organisation", organisation_id, True)))
            found = listed(session, organisation_id, limit)
            root = f"{request.host_url}api/v1/images"
            items = [shown(product, root) for product in found[:limit]]
        return {"items": items, "next": items[-1]["id"] if len(found) > limit else None}

    return app
