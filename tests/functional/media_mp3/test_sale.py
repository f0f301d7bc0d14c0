"""Selling recordings."""

from __future__ import annotations

from sqlalchemy import select

from autonomy_core.plugin_api.grants import Grant


def test_a_product_without_tracks_cannot_be_bought(shop):
    album = shop.album()
    path = f"{shop.api}/customers/products/{album.id}/purchase"

    refused = shop.autonomy.app.post_json(path, {}, headers=shop.as_ada, status=409).json
    assert refused["code"] == "not_for_sale"

    shop.upload(album)
    shop.autonomy.app.post_json(path, {}, headers=shop.as_ada, status=201)


def test_a_completed_purchase_grants_the_album_through_this_plugin(shop):
    album = shop.album()
    shop.upload(album)

    payment = shop.sell(album)

    with shop.autonomy.scope(shop.id) as scope:
        grant = scope.session.scalars(select(Grant)).one()
    assert (grant.payment_id, grant.product_id, grant.plugin) == (payment.id, album.id, "media_mp3")


def test_a_purchase_of_another_kind_is_none_of_its_business(shop):
    shop.sell(shop.autonomy.product(shop.id))

    with shop.autonomy.scope(shop.id) as scope:
        assert scope.session.scalars(select(Grant)).all() == []
