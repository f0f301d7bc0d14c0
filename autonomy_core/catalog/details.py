"""Changes what people read about a product, and finds a product by its slug."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm.attributes import set_committed_value

from autonomy_core.catalog.domain import candidates, moment_of_release, slug_of
from autonomy_core.catalog.models import Product, ProductDetails, ProductSlug, ProductTerm
from autonomy_core.catalog.terms import TITLE, store_terms
from autonomy_core.db.base import utcnow, uuid7
from autonomy_core.errors import Conflict
from autonomy_core.kernel.jobs import Job
from autonomy_core.kernel.scope import TenantScope

FIELDS: Final = frozenset(
    (
        *("slug", "artist", "label", "release_date", "preorder", "published_at"),
        *("credits", "tags", "upc", "languages", "explicit"),
    )
)
"""The values of a product that are details."""

BATCH_ROWS: Final = 500
"""How many products `complete` completes in one transaction."""


class SlugTaken(Conflict):
    """Another product of the organisation has the slug, or had it."""

    code, title = "slug_taken", "Another product has this slug, or had it"


def change_details(scope: TenantScope, product: Product, changes: Mapping[str, Any]) -> ProductDetails:
    """Change details of a product, and add them to a product without any.

    Args:
        scope: the organisation.
        product: the product, which is in the database.
        changes: the new values, by the names in `FIELDS`. A slug is made from the title if there is none.

    Raises:
        SlugTaken: another product has or had the slug.
    """
    # Of two concurrent changes the second continues after the first. Purchases do not wait for this lock.
    scope.session.execute(select(Product.id).where(Product.id == product.id).with_for_update(key_share=True))
    key = (scope.organisation.id, product.id)
    details = scope.session.get(ProductDetails, key, populate_existing=True)
    values = dict(changes)
    slug = values.pop("slug", None)
    if "release_date" in values:
        values["released_at"] = moment_of_release(values["release_date"], scope.organisation.zone)
    if slug is not None:
        _claim(scope, product.id, slug)
    elif details is None:
        slug = _claim_any(scope, product)
    if details is None:
        details = ProductDetails(organisation_id=scope.organisation.id, product_id=product.id, slug=slug)
        scope.session.add(details)
    elif slug is not None:
        details.slug = slug
    for name, value in values.items():
        setattr(details, name, value)
    scope.session.flush()
    store_terms(scope, product, details)
    set_committed_value(product, "details", details)
    return details


def index_again(scope: TenantScope, product_id: UUID) -> None:
    """Find a product by the present titles of its tracks.

    A kind with `tracks_of` calls it after each change of what visitors see of the tracks.
    """
    scope.session.execute(select(Product.id).where(Product.id == product_id).with_for_update(key_share=True))
    key = (scope.organisation.id, product_id)
    product = scope.session.get_one(Product, key, populate_existing=True)
    details = scope.session.get(ProductDetails, key, populate_existing=True)
    if details is not None:  # otherwise the job `catalog.complete` does it
        store_terms(scope, product, details)


def value_of(product: Product, name: str) -> Any:
    """Return a value of the details, by a name in `FIELDS`."""
    return getattr(product.shown, name)


def _claim(scope: TenantScope, product_id: UUID, slug: str) -> None:
    if not _is_claimed(scope, product_id, slug):
        raise SlugTaken(f"{slug!r} belongs to another product.")


def _claim_any(scope: TenantScope, product: Product) -> str:
    """Claim a slug that is made from the title."""
    for slug in candidates(slug_of(product.title), uuid7().hex[-10:]):
        if _is_claimed(scope, product.id, slug):
            return slug
    raise SlugTaken


def _is_claimed(scope: TenantScope, product_id: UUID, slug: str) -> bool:
    """Claim a slug; return whether the product has it now. A concurrent claim of the same is waited for."""
    values = {
        "organisation_id": scope.organisation.id,
        "slug": slug,
        "product_id": product_id,
        "taken_at": utcnow(),
    }
    scope.session.execute(insert(ProductSlug).values(values).on_conflict_do_nothing())
    owner = scope.session.scalar(select(ProductSlug.product_id).where(ProductSlug.slug == slug))
    return owner == product_id


def product_of_slug(scope: TenantScope, slug: str) -> UUID | None:
    """Return the id of the product that has a slug, or had it; None if no product does."""
    return scope.session.scalar(select(ProductSlug.product_id).where(ProductSlug.slug == slug))


def complete(scope: TenantScope) -> None:
    """Add details and terms to products without any: an older version of the server made them."""
    details = exists().where(
        ProductDetails.organisation_id == Product.organisation_id, ProductDetails.product_id == Product.id
    )
    terms = exists().where(
        ProductTerm.organisation_id == Product.organisation_id,
        ProductTerm.product_id == Product.id,
        ProductTerm.field == TITLE,
    )
    lacking = select(Product).where(~and_(details, terms))
    for product in scope.session.scalars(lacking.order_by(Product.id).limit(BATCH_ROWS)).all():
        change_details(scope, product, {})


JOBS: Final = (Job("catalog.complete", complete, every=600),)
