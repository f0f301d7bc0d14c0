from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pdf_booklet.models import UnreferencedFile
from pdf_booklet.services import collect
from sqlalchemy import update

from autonomy_core.plugin_api.catalog import Product
from autonomy_core.plugin_api.grants import Grant
from autonomy_core.testing.application import Autonomy

PAGE = b"2 0 obj << /Type /Page >> endobj\n"
PDF = b"%PDF-1.4\n1 0 obj << /Type /Pages >> endobj\n" + PAGE * 3 + b"%%EOF\n"


@dataclass
class Shop:
    """An organisation with a product, and a customer who owns it."""

    autonomy: Autonomy
    product: Product

    def __post_init__(self) -> None:
        ada = self.autonomy.customer()
        payment = self.autonomy.buy(ada, self.product)
        with self.autonomy.scope() as scope:
            self.directory = scope.server.data / "pdf_booklet"
            # The plugin that delivers the product does this.
            scope.session.add(
                Grant(
                    organisation_id="acme",
                    customer_id=ada.id,
                    product_id=self.product.id,
                    payment_id=payment.id,
                    plugin="test",
                    environment=payment.environment,
                )
            )
        self.ada = self.autonomy.as_customer(ada)
        self.staff = self.autonomy.as_staff()
        self.uploads = f"/acme/api/v1/admin/products/{self.product.id}/booklet"
        self.booklet = f"/acme/api/v1/customers/products/{self.product.id}/booklet"

    def upload(self, content: bytes = PDF, status: int = 200) -> dict[str, Any]:
        sent = [("file", "Nachtstück.pdf", content, "application/pdf")]
        answer = self.autonomy.app.put(self.uploads, upload_files=sent, headers=self.staff, status=status)
        assert list((self.directory / "incoming").iterdir()) == [], "a temporary file is left"
        found: dict[str, Any] = answer.json
        return found

    def link(self) -> str:
        parts = urlsplit(self.autonomy.app.get(self.booklet, headers=self.ada).json["url"])
        return f"{parts.path}?{parts.query}"

    def get(self, url: str, headers: dict[str, str] | None = None, status: int = 200) -> Any:
        return self.autonomy.app.get(url, headers=headers, status=status)

    def files(self) -> list[Path]:
        return [path for path in (self.directory / "files" / "acme").rglob("*") if path.is_file()]

    def visit(self, *, days_later: int = 0) -> None:
        """Run the job that removes files, some days after its last run."""
        with self.autonomy.scope() as scope:
            earlier = UnreferencedFile.since - timedelta(days=days_later)
            scope.session.execute(update(UnreferencedFile).values(since=earlier))
            collect(scope)


@pytest.fixture
def shop(autonomy: Autonomy) -> Shop:
    settings = {"pdf_booklet": {"max_upload_mb": "1"}}
    autonomy.organisation("acme", plugins=("stand_ins", "pdf_booklet"), settings=settings)
    shop = Shop(autonomy, autonomy.product("acme"))
    for path in shop.files():
        path.unlink()  # of other tests, whose rows are rolled back
    return shop


def test_an_owner_reads_the_booklet(shop: Shop) -> None:
    uploaded = shop.upload()
    assert (uploaded["pages"], uploaded["size"], uploaded["filename"]) == (3, len(PDF), "Nachtstück.pdf")
    answer = shop.get(f"{shop.booklet}/file", shop.ada)
    assert (answer.body, answer.content_type) == (PDF, "application/pdf")
    disposition = "attachment; filename=\"Nachtstuck.pdf\"; filename*=UTF-8''Nachtst%C3%BCck.pdf"
    assert answer.headers["Content-Disposition"] == disposition


def test_a_signed_link_opens_it_without_a_header(shop: Shop) -> None:
    shop.upload()
    link = shop.link()
    assert shop.get(link).body == PDF
    shop.get(link.replace("signature=", "signature=A"), status=401)
    shop.get(urlsplit(link).path, status=401)
    path, query = link.split("?")
    shop.get(f"{path.removesuffix('/file')}?{query}", status=401)


def test_a_part_is_sent_to_who_asks_for_a_part(shop: Shop) -> None:
    shop.upload()
    answer = shop.get(shop.link(), {"Range": "bytes=5-9"}, status=206)
    assert answer.body == PDF[5:10]
    assert answer.headers["Content-Range"] == f"bytes 5-9/{len(PDF)}"
    assert shop.get(shop.link(), {"Range": "bytes=5000-"}, status=416).json["code"] == "range_not_satisfiable"
    shop.get(shop.link(), {"If-None-Match": answer.headers["ETag"]}, status=304)


def test_a_file_that_is_too_large_is_refused(shop: Shop) -> None:
    assert shop.upload(PDF + bytes(1024 * 1024), status=413)["code"] == "upload_too_large"
    assert shop.files() == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a complete PDF"),
        (b"<html>", "not a complete PDF"),
        (PDF[:-10], "not a complete PDF"),
        (PDF.replace(PAGE, b""), "no pages"),
    ],
)
def test_a_file_that_is_no_booklet_is_refused(shop: Shop, content: bytes, reason: str) -> None:
    refused = shop.upload(content, status=422)
    assert refused["code"] == "not_a_booklet"
    assert reason in refused["detail"]
    assert shop.files() == []


def test_a_customer_who_does_not_own_the_product_finds_nothing(shop: Shop) -> None:
    shop.upload()
    eve = shop.autonomy.as_customer(shop.autonomy.customer(email="eve@example.org"))
    shop.get(shop.booklet, eve, status=404)
    shop.get(f"{shop.booklet}/file", eve, status=404)


def test_a_missing_file_is_an_outage(shop: Shop) -> None:
    shop.upload()
    [path] = shop.files()
    path.unlink()
    assert shop.get(shop.link(), status=503).json["code"] == "storage_unavailable"


def test_an_unreferenced_file_is_removed_after_the_delay(shop: Shop) -> None:
    shop.upload()
    shop.autonomy.app.delete(shop.uploads, headers=shop.staff, status=204)
    shop.get(shop.booklet, shop.ada, status=404)
    shop.visit()
    shop.visit(days_later=29)
    assert len(shop.files()) == 1
    shop.visit(days_later=2)
    assert shop.files() == []


def test_a_file_that_a_booklet_refers_to_stays(shop: Shop) -> None:
    shop.upload()
    shop.visit()
    shop.visit(days_later=31)
    assert shop.get(shop.link()).body == PDF


def test_the_audit_log_says_who_set_and_removed_a_booklet(shop: Shop) -> None:
    shop.upload()
    shop.autonomy.app.delete(shop.uploads, headers=shop.staff, status=204)
    log = f"/acme/api/v1/admin/audit?target=product:{shop.product.id}"
    removed, added = shop.get(log, shop.staff).json["items"]
    assert [each["action"] for each in (added, removed)] == ["pdf_booklet.set", "pdf_booklet.removed"]
    assert (added["before"], added["after"]["filename"]) == ({}, "Nachtstück.pdf")
    assert (removed["before"], removed["after"]) == (added["after"], {})
    assert added["actor"].startswith("staff:")
