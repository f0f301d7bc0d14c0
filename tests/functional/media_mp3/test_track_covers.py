"""A track may have a cover of its own; otherwise it shows that of its product."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image
from sqlalchemy import select

from autonomy_core.audit.models import AuditEntry
from autonomy_core.images.models import ImageUse
from autonomy_core.testing.format_contract import cover_of
from media_mp3.settings import TRACK_IMAGE
from tests.functional.media_mp3.steps import DAYS, heard_of, pass_days, picture, remove, visit, work, written
from tests.unit.media_mp3 import masters


def path_of(shop, album, track):
    return f"{shop.api}/admin/products/{album.id}/tracks/{track['id']}/cover"


def put(shop, path, content, status=200, **fields):
    upload = ("file", "cover.png", content, "image/png")
    return shop.autonomy.app.put(path, fields, headers=shop.staff, upload_files=[upload], status=status).json


def shown(shop, album):
    """The covers that visitors see: of the product, and of its tracks."""
    product = shop.autonomy.app.get(f"{shop.api}/products/{album.id}").json
    return product["cover"], [track["cover"] for track in product["tracks"]]


def test_visitors_and_buyers_see_the_cover_of_a_track(owned, shop):
    album, track = owned
    path = path_of(shop, album, track)
    put(shop, f"{shop.api}/admin/products/{album.id}/cover", picture(colour="red"))

    of_product, before = shown(shop, album)
    put(shop, path, picture(colour="blue"), alt="A blue square")
    present = shown(shop, album)
    (bought,) = shop.tracks(album)["items"]
    shop.autonomy.app.delete(path, headers=shop.staff, status=204)

    assert (before, of_product["colour"], of_product["placeholder"]) == ([of_product], "#ff0000", False)
    assert present[0] == of_product
    assert (present[1][0]["colour"], present[1][0]["alt"]) == ("#0000ff", "A blue square")
    assert bought["cover"] == present[1][0]
    assert shop.get(present[1][0]["urls"]["300"] + ".jpg").content_type == "image/jpeg"
    assert shown(shop, album) == (of_product, [of_product])
    with shop.autonomy.scope("acme") as scope:
        done = scope.session.scalars(
            select(AuditEntry.action).where(AuditEntry.target == f"{TRACK_IMAGE}:{track['id']}")
        ).all()
    assert sorted(done) == ["image.removed", "image.set"]


def test_a_cover_of_a_track_is_validated_like_one_of_a_product(owned, shop):
    album, track = owned
    path = path_of(shop, album, track)

    refused = put(shop, path, b"<svg/>", 422)
    small = put(shop, path, picture(100), 422)
    missing = shop.autonomy.app.get(path, headers=shop.staff, status=404).json

    assert (refused["code"], refused["findings"][0]["code"]) == ("image_refused", "foreign_format")
    assert small["findings"][0]["code"] == "too_small"
    assert missing["code"] == "no_image"


@pytest.mark.processes
def test_the_formats_of_a_track_have_its_cover(make_shop, tmp_path):
    shop = make_shop(formats="flac")
    album = shop.album()
    put(shop, f"{shop.api}/admin/products/{album.id}/cover", picture(400, "red"))
    shop.upload(album, masters.wav())
    shop.sell(album)
    work(shop)
    (track,) = shop.tracks(album)["items"]
    of_product = heard_of(shop, track, "flac")

    put(shop, path_of(shop, album, track), picture(500, "blue"))
    work(shop)

    (track,) = shop.tracks(album)["items"]
    assert size_of(tmp_path, of_product) == (400, 400)
    assert size_of(tmp_path, heard_of(shop, track, "flac")) == (500, 500)


def size_of(tmp_path, content):
    return Image.open(BytesIO(cover_of(written(tmp_path, content)))).size


def test_the_cover_is_forgotten_with_its_track(shop):
    album = shop.album()
    track = shop.upload(album)["track"]
    put(shop, path_of(shop, album, track), picture())

    remove(shop, album, track)
    pass_days(shop, DAYS + 1)
    visit(shop)

    with shop.autonomy.scope(shop.id) as scope:
        assert scope.session.scalars(select(ImageUse).where(ImageUse.subject == TRACK_IMAGE)).all() == []
