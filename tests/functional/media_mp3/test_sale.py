"""Selling recordings."""

from __future__ import annotations

from sqlalchemy import Engine, event, select

from autonomy_core.plugin_api.grants import Grant


def test_a_product_without_tracks_cannot_be_bought(shop):
    album = shop.album()
    path = f"{shop.api}/customers/products/{album.id}/purchase"

    refused = shop.autonomy.app.post_json(path, {}, headers=shop.as_ada, status=409).json
    assert refused["code"] == "not_for_sale"

    shop.upload(album)
    shop.autonomy.app.post_json(path, {}, headers=shop.as_ada, status=201)


def test_a_completed_purchase_grants_the_album(shop):
    album = shop.album()
    shop.upload(album)

    payment = shop.sell(album)

    with shop.autonomy.scope(shop.id) as scope:
        grant = scope.session.scalars(select(Grant)).one()
    assert (grant.payment_id, grant.product_id, grant.plugin) == (payment.id, album.id, "media_mp3")


def test_a_purchase_of_another_kind_is_not_granted_by_the_plugin(shop):
    shop.sell(shop.autonomy.product(shop.id))

    with shop.autonomy.scope(shop.id) as scope:
        assert scope.session.scalars(select(Grant)).all() == []


def listed(shop):
    return {item["title"] for item in shop.autonomy.app.get(f"{shop.api}/products").json["items"]}


def for_staff(shop, query=""):
    items = shop.autonomy.app.get(f"{shop.api}/admin/products{query}", headers=shop.staff).json["items"]
    return {item["title"]: item["purchasable"] for item in items}


def make(shop, title, item_ids=None, **values):
    body = {"title": title, "kind": "bundle" if item_ids is not None else "mp3", "amount": 500, **values}
    if item_ids is not None:
        body["item_ids"] = [str(item) for item in item_ids]
    return shop.autonomy.app.post_json(
        f"{shop.api}/admin/products", body, headers=shop.staff, status=201
    ).json


def change(shop, product_id, **changes):
    path = f"{shop.api}/admin/products/{product_id}"
    return shop.autonomy.app.patch_json(path, changes, headers=shop.staff).json


def test_a_product_without_tracks_is_listed_to_staff_only(shop):
    empty, album = shop.album(title="Empty"), shop.album(title="Album")
    shop.autonomy.product(shop.id, title="Thing")
    shop.upload(album)

    assert listed(shop) == {"Album", "Thing"}
    assert for_staff(shop) == {"Empty": False, "Album": True, "Thing": True}
    shop.autonomy.app.get(f"{shop.api}/products/{empty.id}", status=404)
    shop.autonomy.app.get(f"{shop.api}/products/{album.id}")
    assert (
        shop.autonomy.app.get(f"{shop.api}/admin/products/{empty.id}", headers=shop.staff).json["purchasable"]
        is False
    )

    shop.upload(empty)
    assert listed(shop) == {"Empty", "Album", "Thing"}


def test_the_answer_to_a_new_product_says_that_it_cannot_be_bought_yet(shop):
    assert make(shop, "Empty")["purchasable"] is False


def test_a_bundle_is_listed_when_all_of_it_can_be_delivered(shop):
    full, empty = shop.album(title="Full"), shop.album(title="Empty")
    shop.upload(full)
    make(shop, "Nothing in it", [])
    make(shop, "One", [full.id])
    both = make(shop, "Both", [full.id, empty.id])

    assert both["purchasable"] is False
    assert listed(shop) == {"Full", "One"}
    path = f"{shop.api}/customers/products/{both['id']}/purchase"
    assert (
        shop.autonomy.app.post_json(path, {}, headers=shop.as_ada, status=409).json["code"] == "not_for_sale"
    )

    shop.upload(empty)
    assert listed(shop) == {"Full", "Empty", "One", "Both"}


def test_a_withdrawn_product_is_unlisted_and_may_be_in_a_bundle(shop):
    album = shop.album(title="Album")
    shop.upload(album)
    make(shop, "Bundle", [album.id])

    assert change(shop, album.id, active=False)["purchasable"] is False

    assert listed(shop) == {"Bundle"}


def test_an_archived_product_is_unlisted_and_its_owners_keep_it(shop):
    album = shop.album(title="Album")
    shop.upload(album)
    make(shop, "Bundle", [album.id])
    shop.sell(album)
    (track,) = shop.tracks(album)["items"]

    archived = change(shop, album.id, archived=True)

    assert archived["archived_at"] is not None
    assert (archived["active"], archived["purchasable"]) == (True, False)
    assert listed(shop) == set()
    assert for_staff(shop) == {"Bundle": False}
    assert for_staff(shop, "?archived=true") == {"Album": False}
    bob = shop.autonomy.as_customer(shop.autonomy.customer(shop.id, "bob@example.org"))
    path = f"{shop.api}/customers/products/{album.id}/purchase"
    assert shop.autonomy.app.post_json(path, {}, headers=bob, status=409).json["code"] == "not_for_sale"
    assert shop.get(track["stream_url"]).status_int == 200
    owned = shop.autonomy.app.get(f"{shop.api}/customers/products", headers=shop.as_ada).json["items"]
    assert [item["title"] for item in owned] == ["Album"]

    again = change(shop, album.id, archived=True)
    assert again["archived_at"] == archived["archived_at"]
    back = change(shop, album.id, archived=False)
    assert (back["archived_at"], back["purchasable"]) == (None, True)
    assert listed(shop) == {"Album", "Bundle"}


def test_a_product_whose_plugin_is_no_longer_enabled_is_not_listed(shop):
    shop.upload(shop.album(title="Album"))
    shop.autonomy.product(shop.id, title="Thing")
    shop.autonomy.organisation(shop.id, plugins=("stand_ins",))

    assert listed(shop) == {"Thing"}
    assert for_staff(shop) == {"Album": False, "Thing": True}


def test_a_long_list_costs_as_many_statements_as_a_short_one(shop):
    shop.upload(shop.album())

    def statements(path, headers):
        seen = []

        def note(_connection, _cursor, statement, *_):
            seen.append(statement)

        event.listen(Engine, "before_cursor_execute", note)
        try:
            shop.autonomy.app.get(path, headers=headers)
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        return len(seen)

    paths = [(f"{shop.api}/products", {}), (f"{shop.api}/admin/products", shop.staff)]
    short = [statements(*path) for path in paths]
    assert min(short) > 0
    album = shop.album()
    shop.upload(album)
    for number in range(10):
        shop.upload(shop.album())
        make(shop, f"Bundle {number}", [album.id])

    assert [statements(*path) for path in paths] == short


def test_every_page_is_full_however_many_products_are_left_out(shop):
    for number in range(6):
        shop.album(title=f"Empty {number}")
        shop.autonomy.product(shop.id, title=f"Thing {number}")

    page = shop.autonomy.app.get(f"{shop.api}/products?limit=4").json

    assert [item["title"] for item in page["items"]] == ["Thing 5", "Thing 4", "Thing 3", "Thing 2"]
    assert page["next"] is not None
