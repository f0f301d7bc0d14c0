"""The ZIP file of a release has the booklet and the stems, too."""

from __future__ import annotations

import zipfile
from io import BytesIO
from uuid import UUID

import pytest
from sqlalchemy import delete

from autonomy_core.plugin_api.catalog import find_product
from media_mp3.archives import jobs
from media_mp3.archives.checksums import forget_checksums, known_checksums
from media_mp3.archives.models import Checksum
from media_mp3.extras.models import Extra
from tests.functional.media_mp3.shop import MUSIC
from tests.unit.media_mp3.documents import PDF, ZIP

SECOND = PDF.replace(b"1.4", b"1.5")


def add(shop, album, title="Booklet", content=PDF):
    path = f"{shop.api}/admin/products/{album.id}/extras"
    files = [("file", "upload", content)]
    return shop.autonomy.app.post(path, {"title": title}, upload_files=files, headers=shop.staff).json


def archives(shop, album, headers=None, status=200):
    path = f"{shop.api}/customers/products/{album.id}/archives"
    found = shop.autonomy.app.get(path, headers=headers or shop.as_ada, status=status).json
    return found.get("items", found)


def download(shop, album, headers=None):
    return shop.get(archives(shop, album, headers)[0]["download_url"])


def members(shop, album, headers=None):
    """The content of each member of the only archive, by its name without the directory of the release."""
    found = zipfile.ZipFile(BytesIO(download(shop, album, headers).body))
    assert found.testzip() is None
    return {info.filename.partition("/")[2]: found.read(info) for info in found.infolist()}


def product(shop, product_id):
    with shop.autonomy.scope(shop.id) as scope:
        return find_product(scope, UUID(product_id))


@pytest.fixture
def album(shop):
    album = shop.album(title="First Light")
    shop.upload(album, title="Extras")
    shop.sell(album)
    return album


def test_extras_are_in_a_directory_of_their_own_and_each_has_its_name(shop, album):
    before = download(shop, album)
    for title, content in (("Booklet", PDF), ("Stems: all/dry", ZIP), ("booklet", SECOND)):
        add(shop, album, title, content)

    (listed,) = archives(shop, album)
    whole = download(shop, album)
    found = members(shop, album)

    assert list(found)[-3:] == ["Extras/Booklet.pdf", "Extras/Stems_ all_dry.zip", "Extras/booklet (2).pdf"]
    assert list(found.values())[-3:] == [PDF, ZIP, SECOND]
    assert whole.headers["Content-Length"] == str(listed["size"]) == str(len(whole.body))
    assert whole.headers["ETag"] != before.headers["ETag"]
    start = whole.body.index(ZIP) - 60
    part = shop.get(listed["download_url"], 206, Range=f"bytes={start}-", If_Range=whole.headers["ETag"])
    assert part.body == whole.body[start:]


def test_an_archive_has_the_extras_that_belong_to_the_purchase(shop, album):
    extra = add(shop, album)
    path = f"{shop.api}/admin/products/{album.id}/extras/{extra['id']}"
    shop.autonomy.app.delete(path, headers=shop.staff)
    add(shop, album, "Second edition", SECOND)
    late = shop.autonomy.customer(shop.id, "late@example.org")
    shop.sell(album, late)

    of_ada, of_late = (
        [name for name in members(shop, album, headers) if name.startswith("Extras/")]
        for headers in (shop.as_ada, shop.autonomy.as_customer(late))
    )
    assert of_ada == ["Extras/Booklet.pdf", "Extras/Second edition.pdf"]
    assert of_late == ["Extras/Second edition.pdf"]


def test_a_buyer_of_a_single_track_gets_no_extras_of_its_release(shop, album):
    add(shop, album)
    (track,) = shop.tracks_for_staff(album)
    path = f"{shop.api}/admin/products/{album.id}/tracks/{track['id']}/single"
    single = shop.autonomy.app.post_json(path, {"amount": 100}, headers=shop.staff).json["single_id"]
    eve = shop.autonomy.customer(shop.id, "eve@example.org")
    shop.sell(product(shop, single), eve)

    found = members(shop, product(shop, single), shop.autonomy.as_customer(eve))

    assert MUSIC in found.values()
    assert PDF not in found.values()


def test_each_release_of_a_bundle_comes_with_its_own_extras(shop, album):
    other = shop.album(title="Second Light")
    shop.upload(other)
    add(shop, album)
    add(shop, other, "Stems", ZIP)
    body = {"title": "Both", "kind": "bundle", "amount": 900, "item_ids": [str(album.id), str(other.id)]}
    made = shop.autonomy.app.post_json(f"{shop.api}/admin/products", body, headers=shop.staff).json
    eve = shop.autonomy.customer(shop.id, "eve@example.org")
    shop.sell(product(shop, made["id"]), eve)
    headers = shop.autonomy.as_customer(eve)

    assert list(members(shop, album, headers))[-1] == "Extras/Booklet.pdf"
    assert list(members(shop, other, headers))[-1] == "Extras/Stems.zip"
    assert archives(shop, product(shop, made["id"]), headers, 404)["code"] == "not_found"


def test_the_worker_computes_the_checksums_of_extras_stored_before(shop, album):
    add(shop, album)
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(delete(Checksum))
    assert archives(shop, album) == []

    with shop.autonomy.scope(shop.id) as scope:
        jobs.compute_checksums(scope)
    with shop.autonomy.scope(shop.id) as scope:
        forget_checksums(scope)

    assert members(shop, album)["Extras/Booklet.pdf"] == PDF


def test_a_checksum_is_kept_while_an_extra_needs_it(shop, album):
    extra = add(shop, album)
    with shop.autonomy.scope(shop.id) as scope:
        key = scope.session.get_one(Extra, (shop.id, UUID(extra["id"]))).storage_key
        forget_checksums(scope)
        assert known_checksums(scope, [key])
        scope.session.execute(delete(Extra))
        forget_checksums(scope)
        assert not known_checksums(scope, [key])
