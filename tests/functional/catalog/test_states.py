"""Drafts, scheduled, published and archived products, and pre-orders."""

from datetime import timedelta

import pytest

from autonomy_core.catalog import availability, models
from autonomy_core.db.base import utcnow

LATER = "2990-01-01T00:00:00Z"
DAY_LATER = "2990-01-01"


@pytest.fixture
def set_clock(monkeypatch):
    def set_clock(moment):
        for module in (availability, models):
            monkeypatch.setattr(module, "utcnow", lambda: moment)

    return set_clock


def shown(shop, product):
    """What staff and visitors see: state, purchasable, whether it is listed, and whether it can be bought."""
    path = f"{shop.api}/admin/products/{product['id']}"
    staff = shop.app.get(path, headers=shop.staff).json
    bought = shop.app.post_json(
        f"{shop.api}/customers/products/{product['id']}/purchase", {}, headers=shop.as_ada, status="*"
    )
    listed = product["title"] in shop.listed()
    assert shop.get(product["id"], status="*").status_int == (200 if listed else 404)
    if listed:
        assert shop.get(product["id"]).json["purchasable"] == staff["purchasable"]
    return staff["state"], staff["purchasable"], listed, bought.status_int


def test_the_four_states_agree_with_list_and_sale(shop):
    draft = shop.make("Draft", active=False)
    scheduled = shop.make("Scheduled", published_at=LATER)
    published = shop.make("Published", published_at="2020-01-01T00:00:00Z")
    archived = shop.make("Archived", published_at=LATER)
    shop.change(archived, archived=True)

    assert shown(shop, draft) == ("draft", False, False, 409)
    assert shown(shop, scheduled) == ("scheduled", False, False, 409)
    assert shown(shop, published) == ("published", True, True, 201)
    assert shown(shop, archived) == ("archived", False, False, 409)
    assert shown(shop, shop.change(scheduled, published_at=None)) == ("published", True, True, 201)


def test_a_scheduled_product_appears_by_itself(shop, set_clock):
    moment = utcnow() + timedelta(hours=1)
    made = shop.make(published_at=moment.isoformat())

    set_clock(moment - timedelta(microseconds=1))
    assert shown(shop, made) == ("scheduled", False, False, 409)
    set_clock(moment)
    assert shown(shop, made) == ("published", True, True, 201)


def test_an_announced_product_is_sold_by_pre_order_or_later(shop, set_clock):
    made = shop.make(release_date=DAY_LATER)
    assert shown(shop, made) == ("published", False, True, 409)
    assert shop.get(made["id"]).json["available_at"] == "2990-01-01T00:00:00Z"

    shop.change(made, preorder=True)
    assert shown(shop, made) == ("published", True, True, 201)

    shop.change(made, preorder=False)
    set_clock(utcnow() + timedelta(days=365_000))
    assert shown(shop, made)[1:3] == (True, True)
    assert shop.get(made["id"]).json["available_at"] is None


def test_a_release_begins_in_the_time_zone_of_the_organisation(make_shop):
    shop = make_shop(settings=None, time_zone="Europe/Vienna")

    made = shop.make(release_date="2990-07-01", preorder=True)

    assert made["available_at"] == "2990-06-30T22:00:00Z"


def test_a_bundle_is_sold_when_each_item_may_be(shop):
    item = shop.make("Item", release_date=DAY_LATER)
    bundle = shop.make("Bundle", kind="bundle", item_ids=[item["id"]])
    assert shown(shop, bundle) == ("published", False, False, 409)

    shop.change(item, preorder=True)
    assert shown(shop, bundle) == ("published", True, True, 201)
    assert shop.get(bundle["id"]).json["items"][0]["available_at"] == "2990-01-01T00:00:00Z"

    shop.change(item, preorder=False, release_date=None, published_at=LATER)
    assert shown(shop, bundle)[:3] == ("published", True, True)


def test_an_owner_sees_when_a_pre_ordered_product_is_available(shop):
    made = shop.make(release_date=DAY_LATER, preorder=True)
    gift = {"product_id": made["id"], "reason": "A review copy"}
    given = f"{shop.api}/admin/customers/{shop.ada.id}/grants"
    shop.app.post_json(given, gift, headers=shop.staff, status=201)

    path = f"{shop.api}/customers/products"
    (owned,) = shop.app.get(path, headers=shop.as_ada).json["items"]

    assert owned["available_at"] == "2990-01-01T00:00:00Z"
    one = shop.app.get(f"{path}/{made['id']}", headers=shop.as_ada).json
    assert (one["available_at"], one["purchasable"]) == (owned["available_at"], True)
