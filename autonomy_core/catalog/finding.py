"""Finds products: filters, orders, and pages that continue where the last one ended."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Integer, Select, Text, Uuid, and_, exists, func, literal, tuple_
from sqlalchemy.orm import aliased

from autonomy_core.catalog.availability import is_archived
from autonomy_core.catalog.domain import State, plain
from autonomy_core.catalog.models import Product, ProductDetails, ProductTerm
from autonomy_core.catalog.terms import ARTIST, TAG, TITLE, has_term, matches
from autonomy_core.db.base import utcnow
from autonomy_core.fields import parse_uuid
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.texts import is_utf8

NEWEST, BY_TITLE, CHEAPEST, DEAREST, BY_RELEASE = "newest", "title", "price", "-price", "-release_date"

_UNKNOWN_DAY: Final = date(1, 1, 1)

# Aliases, because the conditions of a page use the same tables.
_TITLE = aliased(ProductTerm)
_RELEASE = aliased(ProductDetails)


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of products. Products with the same value are in the order of their ids.

    Attributes:
        value: the expression that is sorted by.
        type: of the value, for a cursor.
        is_descending: whether the largest value comes first.
        parse: makes a value from that of a cursor, which is JSON.
    """

    value: Any
    type: Any
    is_descending: bool
    parse: Any


SORTS: Final[Mapping[str, Sort]] = {
    BY_TITLE: Sort(_TITLE.term, Text(collation="C"), is_descending=False, parse=str),
    CHEAPEST: Sort(Product.amount, Integer(), is_descending=False, parse=int),
    DEAREST: Sort(Product.amount, Integer(), is_descending=True, parse=int),
    BY_RELEASE: Sort(
        func.coalesce(_RELEASE.release_date, _UNKNOWN_DAY),
        Date(),
        is_descending=True,
        parse=date.fromisoformat,
    ),
}
"""The orders besides that of the ids, which is `NEWEST`."""


def _filtered(scope: TenantScope, products: Select[Product], query: Mapping[str, Any]) -> Select[Product]:
    """Narrow a selection of products.

    Args:
        scope: the organisation.
        products: the products that the caller sees.
        query: ``q``, ``tag``, ``artist``, ``min_price``, ``max_price``, ``currency``; None if not sent.
    """
    if query["q"] is not None:
        products = products.where(matches(scope, query["q"]))
    if query["tag"] is not None:
        products = products.where(has_term(TAG, query["tag"]))
    if query["artist"] is not None:
        products = products.where(has_term(ARTIST, plain(query["artist"])))
    least, most, currency = query["min_price"], query["max_price"], query["currency"]
    if (least, most) != (None, None):
        currency = currency or scope.organisation.currency
    if currency is not None:
        products = products.where(Product.currency == currency)
    if least is not None:
        products = products.where(Product.amount >= least)
    return products if most is None else products.where(Product.amount <= most)


def in_state(state: State) -> ColumnElement[bool]:
    """The condition that a product is in a state. Compare `domain.state_of`."""
    if state == State.ARCHIVED:
        return is_archived(Product)
    later = exists().where(
        ProductDetails.organisation_id == Product.organisation_id,
        ProductDetails.product_id == Product.id,
        ProductDetails.published_at > utcnow(),
    )
    conditions = {
        State.DRAFT: ~Product.active,
        State.SCHEDULED: and_(Product.active, later),
        State.PUBLISHED: and_(Product.active, ~later),
    }
    return and_(~is_archived(Product), conditions[state])


def chosen_by_staff(query: Mapping[str, Any]) -> ColumnElement[bool]:
    """The condition of a list for staff: ``state`` if it is sent, or whether products are ``archived``."""
    if query["state"] is not None:
        return in_state(query["state"])
    archived = in_state(State.ARCHIVED)
    return archived if query["archived"] == "true" else ~archived


def page(scope: TenantScope, products: Select[Product], query: Mapping[str, Any]) -> dict[str, Any]:
    """Select one page of the products that the filters leave.

    Args:
        scope: the organisation.
        products: the products that the caller sees, without an order.
        query: the filters, see `_filtered`; ``sort``, ``limit``, and ``cursor``, which `read_cursor` has
            accepted.
    """
    products = _filtered(scope, products, query)
    limit, cursor, sort = query["limit"], query["cursor"], SORTS.get(query["sort"])
    value: Any
    order: tuple[Any, ...]
    if sort is None:
        after = None if cursor is None else Product.id < UUID(cursor)
        order, value = (Product.id.desc(),), Product.id
    else:
        products, value = _joined(products, query["sort"]), sort.value
        key = tuple_(value, Product.id)
        order = (value.desc(), Product.id.desc()) if sort.is_descending else (value, Product.id)
        after = None if cursor is None else _after(key, sort, read_cursor(query["sort"], cursor))
    statement = products.add_columns(value).order_by(*order).limit(limit + 1)
    rows = scope.session.execute(statement if after is None else statement.where(after)).unique().all()
    more = len(rows) > limit
    return {
        "items": [row[0] for row in rows[:limit]],
        "next": _cursor(query["sort"], rows[limit - 1][1], rows[limit - 1][0].id) if more else None,
    }


def _joined(products: Select[Product], sort: str) -> Select[Product]:
    if sort == BY_TITLE:
        same = and_(
            _TITLE.organisation_id == Product.organisation_id,
            _TITLE.product_id == Product.id,
            _TITLE.field == TITLE,
        )
        return products.join(_TITLE, same)
    if sort == BY_RELEASE:
        same = and_(_RELEASE.organisation_id == Product.organisation_id, _RELEASE.product_id == Product.id)
        return products.join(_RELEASE, same)
    return products


def _after(key: Any, sort: Sort, last: tuple[Any, UUID]) -> ColumnElement[bool]:
    seen = tuple_(literal(last[0], sort.type), literal(last[1], Uuid()))
    return key < seen if sort.is_descending else key > seen


def _cursor(sort: str, value: Any, product_id: UUID) -> str:
    if sort == NEWEST:
        return str(product_id)
    plain_value = value.isoformat() if isinstance(value, date) else value
    content = json.dumps([sort, plain_value, str(product_id)], separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def read_cursor(sort: str, cursor: str) -> tuple[Any, UUID]:
    """Return the value and the id at which a page ended.

    Raises:
        ValueError: it is no cursor of this order.
    """
    if sort == NEWEST:
        if (product_id := parse_uuid(cursor)) is None:
            raise ValueError(cursor)
        return product_id, product_id
    content = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    found = json.loads(content)
    if not isinstance(found, list) or len(found) != 3 or found[0] != sort:
        raise ValueError(cursor)
    _, value, product_id = found
    last = SORTS[sort].parse(value)
    identifier = parse_uuid(product_id) if isinstance(product_id, str) else None
    if identifier is None or (isinstance(last, int) and abs(last) >= 2**31):
        raise ValueError(cursor)
    if isinstance(last, str) and not (isinstance(value, str) and "\x00" not in last and is_utf8(last)):
        raise ValueError(cursor)
    return last, identifier
