"""A change of a product or of a cover reaches the files of buyers at once, and makes one job."""

from __future__ import annotations

from io import BytesIO
from types import ModuleType

import pytest
from PIL import Image
from sqlalchemy import text

from autonomy_core.catalog.schemas import ProductChangesSchema
from autonomy_core.kernel.manager import Plugins
from autonomy_core.plugin_api.errors import Conflict
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.testing.application import chosen_plugins
from autonomy_core.testing.conformance import UNCHECKED
from autonomy_core.testing.format_contract import cover_of, tags_of
from media_mp3.renditions.planning import OF_PRODUCT, wanted_renditions
from tests.functional.media_mp3.shop import Shop
from tests.functional.media_mp3.steps import heard_of, picture, work, written
from tests.unit.media_mp3 import masters

RENDER = ["media_mp3.render"]
CHANGES = {
    "title": "After",
    "description": "*Loud*",
    "artist": "Tide",
    "label": "Harbour Street",
    "slug": "after",
    "release_date": "2024-02-29",
    "published_at": "2024-02-29T00:00:00Z",
    "preorder": True,
    "credits": [{"role": "Mixing", "name": "Ada"}],
    "tags": ["ambient"],
    "upc": "4006381333931",
    "languages": ["de"],
    "explicit": True,
    "amount": 1300,
    "pay_what_you_want": True,
    "suggested_amount": 1500,
    "other_prices": [{"currency": "usd", "amount": 1000}],
    "active": False,
    "archived": True,
}
"""A change of each value of a product that has tracks. Only a bundle has ``item_ids``."""


class Sealed(Conflict):
    code, title = "sealed", "The catalogue is sealed"


@hookimpl
def on_product_changed(event):
    raise Sealed


SEALING = ModuleType("sealing.plugin")
SEALING.on_product_changed = on_product_changed


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({**chosen_plugins("media_mp3").modules, "sealing": SEALING})


@pytest.fixture
def make_seller(autonomy):
    def make(organisation_id="acme", plugins=("media_mp3", "stand_ins")):
        settings = {"media_mp3": {"formats": "flac"}}
        autonomy.organisation(organisation_id, plugins=plugins, settings=settings)
        return Shop(autonomy, organisation_id)

    return make


@pytest.fixture
def shop(make_seller):
    return make_seller()


def admin(shop, album):
    return f"{shop.api}/admin/products/{album.id}"


def change(shop, album, **values):
    shop.autonomy.app.patch_json(admin(shop, album), values, headers=shop.staff)


def put_cover(shop, path, colour):
    upload = [("file", "cover.png", picture(400, colour), "image/png")]
    shop.autonomy.app.put(f"{path}/cover", upload_files=upload, headers=shop.staff)


def jobs(shop):
    return [job["task_name"] for job in shop.autonomy.jobs(shop.id)]


def forget_jobs(shop):
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(text("DELETE FROM procrastinate_jobs"))


def album_of_one_track(shop, **values):
    """An album whose track was uploaded, and nothing is to be done."""
    album = shop.album(**values)
    track = shop.upload(album, masters.wav(), title="Night Ferry")["track"]
    forget_jobs(shop)
    return album, track


def fingerprints(shop):
    with shop.autonomy.scope(shop.id) as scope:
        return {each.fingerprint for each in wanted_renditions(scope)}


def bought(shop, album, tmp_path):
    """The file that a buyer gets."""
    (track,) = shop.tracks(album)["items"]
    return written(tmp_path, heard_of(shop, track, "flac"))


def colour_of(path):
    return Image.open(BytesIO(cover_of(path))).convert("RGB").getpixel((9, 9))


@pytest.mark.processes
def test_a_buyer_gets_the_new_texts_and_the_new_cover(shop, tmp_path):
    album, _ = album_of_one_track(shop, title="Before")
    put_cover(shop, admin(shop, album), "red")
    work(shop)
    shop.sell(album)
    before = bought(shop, album, tmp_path)
    assert (tags_of(before, "flac")["album"], colour_of(before)[0] > 200) == ("Before", True)

    change(shop, album, title="After", artist="Tide")
    put_cover(shop, admin(shop, album), "blue")
    work(shop)

    after = bought(shop, album, tmp_path)
    found = tags_of(after, "flac")
    assert (found["album"], found["album_artist"]) == ("After", "Tide")
    assert colour_of(after)[2] > 200


def test_ten_changes_in_a_row_are_one_job(shop):
    album, track = album_of_one_track(shop)

    for number in range(8):
        change(shop, album, title=f"Title {number}")
    put_cover(shop, admin(shop, album), "red")
    put_cover(shop, f"{admin(shop, album)}/tracks/{track['id']}", "blue")

    assert jobs(shop) == RENDER


def test_each_change_of_a_cover_is_a_job_and_its_text_is_none(shop):
    album, track = album_of_one_track(shop)
    for path in (admin(shop, album), f"{admin(shop, album)}/tracks/{track['id']}"):
        put_cover(shop, path, "red")
        assert jobs(shop) == RENDER
        forget_jobs(shop)
        shop.autonomy.app.patch_json(f"{path}/cover", {"alt": "The sea"}, headers=shop.staff)
        assert jobs(shop) == []
        shop.autonomy.app.delete(f"{path}/cover", headers=shop.staff)
        assert jobs(shop) == RENDER
        forget_jobs(shop)


def test_exactly_what_is_in_the_files_is_a_job(shop):
    """A new value of a product has to be in `CHANGES`, and in `OF_PRODUCT` if files say it."""
    names = {field.attribute or name for name, field in ProductChangesSchema().load_fields.items()}
    assert CHANGES.keys() == names - {"item_ids"}
    album, _ = album_of_one_track(shop)
    in_files = set()
    for name, value in CHANGES.items():
        before = fingerprints(shop)
        change(shop, album, **{name: value})
        if fingerprints(shop) != before:
            in_files.add(name)
        assert (jobs(shop) == RENDER) == (name in in_files), name
        forget_jobs(shop)

    assert in_files == OF_PRODUCT


def test_a_product_without_tracks_of_its_own_is_no_job(shop):
    thing = shop.autonomy.product(shop.id, title="A shirt")

    change(shop, thing, title="A red shirt")

    assert jobs(shop) == []


def test_a_change_that_is_rolled_back_is_no_job(make_seller):
    """media_mp3 is called first, since plugins are called in the order of their names."""
    shop = make_seller(plugins=("media_mp3", "sealing", "stand_ins"))
    album, _ = album_of_one_track(shop, title="Before")
    asked = {"headers": shop.staff, "status": 409, "extra_environ": UNCHECKED}

    answer = shop.autonomy.app.patch_json(admin(shop, album), {"title": "After"}, **asked)

    assert answer.json["code"] == "sealed"
    assert shop.autonomy.app.get(admin(shop, album), headers=shop.staff).json["title"] == "Before"
    assert jobs(shop) == []


@pytest.mark.processes
def test_the_files_of_another_organisation_stay(make_seller, tmp_path):
    shop, other = make_seller(), make_seller("other")
    mine, theirs = (album_of_one_track(each, title="Before")[0] for each in (shop, other))
    for each, album in ((shop, mine), (other, theirs)):
        change(each, album, artist="Ada")
        work(each)
        each.sell(album)
    before = bought(other, theirs, tmp_path).read_bytes()

    change(shop, mine, title="After")

    assert (jobs(shop), jobs(other)) == (RENDER, [])
    work(shop)
    assert tags_of(bought(shop, mine, tmp_path), "flac")["album"] == "After"
    assert bought(other, theirs, tmp_path).read_bytes() == before
