"""Files come with a product: visitors see their titles, and owners download them."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from autonomy_core.audit.models import AuditEntry
from autonomy_core.files.services import storage_of
from media_mp3.extras import services
from media_mp3.settings import EXTRAS
from tests.functional.media_mp3.steps import DAYS, pass_days, visit
from tests.unit.media_mp3.documents import PDF, ZIP


def upload(shop, album, content=PDF, status=201, filename="Booklet v3.pdf", headers=None, **fields):
    answer = shop.autonomy.app.post(
        f"{shop.api}/admin/products/{album.id}/extras",
        fields,
        upload_files=[("file", filename, content, "text/html")],
        headers=headers or shop.staff,
        status=status,
    )
    assert list(EXTRAS.incoming(shop.autonomy.runtime.settings).glob("*")) == [], "a temporary file is left"
    return answer.json


def extras(shop, album, headers=None, status=200):
    path = f"{shop.api}/customers/products/{album.id}/extras"
    found = shop.autonomy.app.get(path, headers=headers or shop.as_ada, status=status).json
    return found["items"] if status == 200 else found["code"]


def listed(shop, album):
    return shop.autonomy.app.get(f"{shop.api}/products/{album.id}").json["extras"]


def remove(shop, album, extra):
    path = f"{shop.api}/admin/products/{album.id}/extras/{extra['id']}"
    shop.autonomy.app.delete(path, headers=shop.staff, status=204)


@pytest.fixture
def album(shop):
    album = shop.album()
    shop.upload(album)
    return album


def test_an_owner_downloads_what_visitors_see_listed(shop, album):
    upload(shop, album, title="The booklet")
    upload(shop, album, ZIP, filename="Stems.zip")
    shop.sell(album)

    booklet, stems = extras(shop, album)
    saved = shop.get(booklet["download_url"])
    part = shop.get(stems["download_url"], 206, Range="bytes=2-5")

    assert listed(shop, album) == [
        {"title": "The booklet", "format": "pdf", "size": len(PDF)},
        {"title": "Stems", "format": "zip", "size": len(ZIP)},
    ]
    assert (saved.body, saved.content_type) == (PDF, "application/pdf")
    assert saved.headers["Content-Disposition"] == 'attachment; filename="The booklet.pdf"'
    assert saved.headers["X-Content-Type-Options"] == "nosniff"
    assert (part.body, part.headers["Content-Range"]) == (ZIP[2:6], f"bytes 2-5/{len(ZIP)}")
    assert (stems["media_type"], stems["available_at"]) == ("application/zip", None)


def test_only_owners_get_an_extra(shop, album, make_shop):
    upload(shop, album)
    shop.sell(album)
    (extra,) = extras(shop, album)
    bare = extra["download_url"].partition("?")[0]
    stranger = shop.autonomy.as_customer(shop.autonomy.customer(shop.id, "eve@example.org"))
    other = make_shop("beacon")

    assert extras(shop, album, stranger, 404) == "not_found"
    shop.get(bare, 404, **stranger)
    shop.get(bare, 401)
    shop.get(bare.replace("/acme/", "/beacon/"), 404, **other.as_ada)
    assert upload(shop, album, status=401, headers=other.staff)["code"] == "not_authenticated"
    assert shop.get(bare, **shop.as_ada).body == PDF


def test_a_file_of_another_kind_is_refused_whatever_its_name(shop, album):
    html = upload(shop, album, b"<script>alert(1)</script>", 422)
    cut = upload(shop, album, PDF[:-9], 422)
    upload(shop, album)

    assert (html["code"], html["findings"][0]["code"]) == ("extra_refused", "foreign_format")
    assert cut["findings"][0]["code"] == "truncated"
    assert upload(shop, album, status=409)["code"] == "extra_exists"
    assert [each["title"] for each in listed(shop, album)] == ["Booklet v3"]


def test_a_removed_extra_stays_with_those_who_bought_it(shop, album):
    extra = upload(shop, album)
    shop.sell(album)
    remove(shop, album, extra)
    late = shop.autonomy.customer(shop.id, "late@example.org")
    shop.sell(album, late)

    assert listed(shop, album) == []
    assert extras(shop, album, shop.autonomy.as_customer(late)) == []
    (kept,) = extras(shop, album)
    assert shop.get(kept["download_url"]).body == PDF
    with shop.autonomy.scope("acme") as scope:
        done = select(AuditEntry.action).where(AuditEntry.target == f"extra:{extra['id']}")
        assert sorted(scope.session.scalars(done)) == ["extra.added", "extra.removed"]


def test_before_the_release_an_extra_is_only_listed(shop, album):
    upload(shop, album)
    shop.sell(album)
    (before,) = extras(shop, album)
    path = f"{shop.api}/admin/products/{album.id}"
    shop.autonomy.app.patch_json(path, {"release_date": "2190-01-01", "preorder": True}, headers=shop.staff)

    (extra,) = extras(shop, album)
    assert (extra["download_url"], extra["available_at"][:4]) == (None, "2190")
    assert shop.get(before["download_url"], 403).json["code"] == "not_available_yet"
    assert [each["title"] for each in listed(shop, album)] == ["Booklet v3"]


def test_an_unsold_extra_is_deleted_after_the_delay(make_shop):
    shop = make_shop("collector")
    album = shop.album()
    extra = upload(shop, album)
    remove(shop, album, extra)

    for _ in range(2):  # the row, and then the file
        visit(shop)
        pass_days(shop, DAYS + 1)
        visit(shop)

    with shop.autonomy.scope(shop.id) as scope:
        assert list(storage_of(scope, EXTRAS).keys(shop.id)) == []


def test_a_product_has_a_limited_number_of_extras_also_removed_ones(shop, album, monkeypatch):
    monkeypatch.setattr(services, "MOST_EVER", 2)
    for content in (PDF, ZIP):
        remove(shop, album, upload(shop, album, content))
    assert upload(shop, album, PDF + b" ", status=409)["code"] == "too_many_extras"
