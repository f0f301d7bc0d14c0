"""Staff upload a cover; visitors see it, in the size and format that suit their client."""

from __future__ import annotations

import io
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from PIL import Image
from sqlalchemy import select, text, update

from autonomy_core.backup.stores import areas_of
from autonomy_core.files.services import storage_of
from autonomy_core.images.collecting import collect
from autonomy_core.images.models import ImageRendition, StoredImage, UnreferencedImageFile
from autonomy_core.images.settings import IMAGES
from autonomy_core.plugin_api.images import jpeg_of
from autonomy_core.testing.application import chosen_plugins


@pytest.fixture(scope="module")
def autonomy_plugins():
    return chosen_plugins("media_mp3")


def picture(side=700, colour="red", mode="RGB", image_format="PNG", **options):
    written = io.BytesIO()
    Image.new(mode, (side, side), colour).save(written, image_format, **options)
    return written.getvalue()


class Shop:
    def __init__(self, autonomy, organisation_id):
        autonomy.organisation(organisation_id, plugins=["media_mp3"])
        self.app, self.id = autonomy.app, organisation_id
        self.autonomy, self.staff = autonomy, autonomy.as_staff(organisation_id)
        self.product = autonomy.product(organisation_id, title='First <Light> & "more"', kind="mp3")
        self.path = f"/{organisation_id}/api/v1/admin/products/{self.product.id}"

    def put(self, content=None, status=200, **fields):
        files = [("file", "cover.png", picture() if content is None else content, "image/png")]
        path = f"{self.path}/cover"
        answer = self.app.put(path, fields, headers=self.staff, upload_files=files, status=status)
        assert list((self.autonomy.runtime.settings.data / "images" / "incoming").glob("*")) == []
        return answer.json

    def cover(self):
        return self.app.get(self.path, headers=self.staff).json["cover"]

    def get(self, url, status=200, **headers):
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.app.get(urlsplit(url).path, headers=given, status=status)


@pytest.fixture
def shop(autonomy):
    return Shop(autonomy, "acme")


def test_a_cover_is_there_in_every_size_when_the_upload_has_answered(shop):
    answer = shop.put(alt="A harbour at dawn")

    assert (answer["width"], answer["height"], answer["colour"]) == (700, 700, "#ff0000")
    assert [found["code"] for found in answer["warnings"]] == ["small"]
    assert shop.cover() == {name: answer[name] for name in shop.cover()}
    assert answer["alt"] == "A harbour at dawn"
    assert not answer["placeholder"]
    for name, side in {"120": 120, "300": 300, "600": 600, "1200": 700, "full": 700}.items():
        for extension, kind in {".jpg": "JPEG", ".webp": "WEBP"}.items():
            shown = Image.open(io.BytesIO(shop.get(answer["urls"][name] + extension).body))
            assert (shown.format, shown.size, shown.info.get("exif")) == (kind, (side, side), None)


def test_accept_chooses_the_format_and_caches_keep_it_for_a_year(shop):
    url = shop.put()["urls"]["600"]

    jpeg = shop.get(url, Accept="image/png,*/*;q=0.8")
    webp = shop.get(url, Accept="image/avif,image/webp,*/*;q=0.8")

    assert (jpeg.content_type, webp.content_type) == ("image/jpeg", "image/webp")
    assert shop.get(url, Accept="image/webp;q=0, */*").content_type == "image/jpeg"
    for answer in (jpeg, webp):
        assert "Accept" in answer.headers.getall("Vary")
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Accept" not in shop.get(url + ".webp").headers.getall("Vary")
    again = shop.get(url, status=304, Accept="image/webp", If_None_Match=webp.headers["ETag"])
    assert again.headers["Cache-Control"] == webp.headers["Cache-Control"]
    shop.get(url, Accept="*/*", If_None_Match=webp.headers["ETag"])
    head = shop.app.head(urlsplit(url).path)
    assert (head.body, head.headers["Content-Length"]) == (b"", jpeg.headers["Content-Length"])


def test_a_product_without_a_cover_has_a_safe_placeholder(shop):
    cover = shop.cover()
    url = cover["urls"]["300"]

    answer = shop.get(url)

    assert cover["placeholder"]
    assert cover["alt"] == shop.product.title
    assert len(set(cover["urls"].values())) == 1
    assert answer.content_type == "image/svg+xml"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "&lt;Light&gt;" in answer.text
    assert "<Light>" not in answer.text
    assert cover["colour"] in answer.text
    shop.get(url, status=304, If_None_Match=answer.headers["ETag"])
    shop.get(url.replace("placeholder/", "placeholder/A"), status=404)
    shop.get(url.replace("/acme/", "/globex/"), status=404)


def test_a_file_that_is_no_image_is_refused_with_every_reason(shop):
    refused = shop.put(b"<svg xmlns='http://www.w3.org/2000/svg'/>", status=422)
    assert refused["code"] == "image_refused"
    assert [found["code"] for found in refused["findings"]] == ["foreign_format"]
    assert refused["findings"][0]["remedy"]
    assert shop.put(b"", status=422)["findings"][0]["code"] == "empty_file"
    assert shop.cover()["placeholder"]


def test_uploads_have_a_limit_of_size_and_staff_need_a_scope(autonomy, shop):
    autonomy.organisation("acme", plugins=["media_mp3"], settings={"images": {"max_upload_mb": "1"}})
    assert shop.put(bytes(2 * 1024 * 1024), status=413)["code"] == "upload_too_large"
    shop.staff = autonomy.as_staff("acme", ["catalog.read"])
    shop.put(status=403)


def test_a_text_is_changed_and_a_cover_removed(shop):
    url = shop.put()["urls"]["full"]

    path, headers = f"{shop.path}/cover", shop.staff
    changed = shop.app.patch_json(path, {"alt": "Boats"}, headers=headers).json
    assert (changed["alt"], shop.cover()["alt"]) == ("Boats", "Boats")
    assert shop.app.get(path, headers=headers).json["alt"] == "Boats"
    shop.app.delete(path, headers=headers, status=204)

    assert shop.cover()["placeholder"]
    shop.get(url)  # pages that were rendered before still show it
    for call in (shop.app.delete, shop.app.get):
        assert call(path, headers=headers, status=404).json["code"] == "no_image"


def test_a_replaced_cover_stays_reachable_until_it_is_collected(autonomy, shop):
    old, new = shop.put()["urls"]["full"], shop.put(picture(colour="blue"))["urls"]["full"]
    assert old != new
    usage = f"/{shop.id}/api/v1/admin/images/usage"
    before = shop.app.get(usage, headers=shop.staff).json
    assert (before["images"], before["unused_images"]) == (2, 1)
    assert 0 < before["unused_bytes"] < before["bytes"]

    def run(*stale):
        with autonomy.scope(shop.id) as scope:
            for column in stale:
                scope.session.execute(
                    update(column.class_)
                    .where(column.is_not(None))
                    .values({column.key: column - timedelta(days=31)})
                )
            collect(scope)

    run()
    shop.get(old)
    run(StoredImage.unused_since)
    shop.get(old, status=404)
    run(UnreferencedImageFile.since)

    shop.get(new)
    after = shop.app.get(usage, headers=shop.staff).json
    assert (after["images"], after["unused_images"]) == (1, 0)
    with autonomy.scope(shop.id) as scope:
        referred = set(scope.session.scalars(select(ImageRendition.storage_key)))
    root = autonomy.runtime.settings.data / "images" / "files"
    assert {str(path.relative_to(root)) for path in root.glob("acme/*/*")} == referred


def test_an_image_that_is_used_again_is_not_collected(autonomy, shop):
    url = shop.put()["urls"]["full"]
    shop.app.delete(f"{shop.path}/cover", headers=shop.staff, status=204)
    with autonomy.scope(shop.id) as scope:
        collect(scope)
        scope.session.execute(
            update(StoredImage).values(unused_since=StoredImage.unused_since - timedelta(days=31))
        )
    assert shop.put()["urls"]["full"] == url
    with autonomy.scope(shop.id) as scope:
        collect(scope)
    shop.get(url)


def test_organisations_have_their_images_apart(autonomy, shop):
    other = Shop(autonomy, "globex")
    url = shop.put()["urls"]["full"]
    foreign = url.replace("/acme/", "/globex/")

    other.get(foreign, status=404)
    assert other.put()["urls"]["full"] == foreign  # the same bytes, stored once more
    other.app.delete(f"{other.path}/cover", headers=other.staff)
    shop.get(url)
    shop.app.put(shop.path.replace("/acme/", "/globex/") + "/cover", headers=other.staff, status=404)


def test_others_get_a_jpeg_to_embed(autonomy, shop):
    with autonomy.scope("acme") as scope:
        assert jpeg_of(scope, "product", shop.product.id, largest=600) is None
    shop.put()
    with autonomy.scope("acme") as scope:
        sizes = {
            most: Image.open(io.BytesIO(jpeg_of(scope, "product", shop.product.id, largest=most))).size[0]
            for most in (100, 600, 650, 5000)
        }
    assert sizes == {100: 120, 600: 600, 650: 600, 5000: 700}


@pytest.mark.parametrize("name", ["601", "600.png", "full.jpg.webp", "../600", "0"])
def test_other_sizes_are_not_there(shop, name):
    url = shop.put()["urls"]["full"].removesuffix("full")
    shop.get(url + name, status=404)


def test_a_backup_and_the_check_of_files_know_the_images(autonomy, shop):
    shop.put()
    settings = autonomy.runtime.settings

    [area] = [
        one for one in areas_of(autonomy.runtime.plugins, settings) if one.place == "files/images/images"
    ]

    with autonomy.scope(shop.id) as scope:
        referred = {row[0] for row in scope.session.execute(text(area.referred_to))}
        sizes = {key: storage_of(scope, IMAGES).size(key) for key in referred}
        assert dict(row for row in scope.session.execute(text(area.referred_to))) == sizes
    assert len(referred) == 8  # four sizes of an image of 700 pixels, in two formats
    assert all((area.roots[0] / key).is_file() for key in referred)
