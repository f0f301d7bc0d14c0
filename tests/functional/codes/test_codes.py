"""Download codes over HTTP: made by staff, redeemed by customers and guests."""

import csv
import io
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from autonomy_core.audit.models import AuditEntry
from autonomy_core.codes.models import CodeBatch, CodeUse, DownloadCode
from autonomy_core.codes.redemption import PER_ACCOUNT, PER_NETWORK
from autonomy_core.customers.models import Customer
from autonomy_core.grants.models import Grant
from autonomy_core.kernel.personal_data import PersonalData
from autonomy_core.testing import stand_ins

API = "/acme/api/v1"
NOT_VALID = {
    "type": "urn:autonomy:problem:code_not_valid",
    "code": "code_not_valid",
    "title": "This code is not valid",
    "status": 422,
}


class CodeShop:
    """An organisation with a product, as its staff and its customers use it."""

    def __init__(self, autonomy):
        self.autonomy, self.app, self.staff = autonomy, autonomy.app, autonomy.as_staff()
        self.product = autonomy.product(title="First Light")
        self.ada = autonomy.customer()

    def make(self, status=201, product=None, **body):
        path = f"{API}/admin/products/{(product or self.product).id}/codes"
        body = {"count": 1, "label": "Vinyl", **body}
        return self.app.post_json(path, body, headers=self.staff, status=status)

    def codes(self, **body):
        return [row["code"] for row in csv.DictReader(io.StringIO(self.make(**body).text))]

    def get(self, path, status=200):
        return self.app.get(f"{API}/admin/{path}", headers=self.staff, status=status).json

    def batches(self):
        return self.get(f"products/{self.product.id}/codes")["items"]

    def listed(self, batch, query=""):
        return self.get(f"products/{self.product.id}/codes/{batch['id']}/list{query}")["items"]

    def revoke(self, batch, status=200, **body):
        path = f"{API}/admin/products/{self.product.id}/codes/{batch['id']}/revoke"
        return self.app.post_json(path, body, headers=self.staff, status=status).json

    def redeem(self, code, status=201, customer=None, network="192.0.2.1"):
        return self.app.post_json(
            f"{API}/customers/codes",
            {"code": code},
            headers=self.autonomy.as_customer(customer or self.ada),
            status=status,
            extra_environ={"REMOTE_ADDR": network},
        ).json

    def redeem_as_guest(self, code, status=201, headers=None, **body):
        body = {"code": code, "email": "guest@example.org", **body}
        return self.app.post_json(f"{API}/codes", body, headers=headers, status=status).json

    def owned(self, customer=None):
        headers = self.autonomy.as_customer(customer or self.ada)
        found = self.app.get(f"{API}/customers/products", headers=headers).json["items"]
        return [product["title"] for product in found]

    def rows(self, statement):
        with self.autonomy.scope() as scope:
            return list(scope.session.scalars(statement))


@pytest.fixture
def shop(autonomy):
    autonomy.organisation("acme")
    return CodeShop(autonomy)


def test_staff_get_the_codes_once_and_the_database_has_none(shop):
    answer = shop.make(count=1200, label="Vinyl", expires_at="2190-01-01T00:00:00Z")
    assert answer.content_type == "text/csv"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len({row["code"] for row in rows}) == 1200
    assert {row["expires_at"] for row in rows} == {"2190-01-01T00:00:00+00:00"}
    stored = {str(code.id): code for code in shop.rows(select(DownloadCode))}
    for row in rows:
        code = stored.pop(row["id"])
        kept = {str(value) for name, value in vars(code).items() if not name.startswith("_")}
        assert code.starts_with == row["code"][:4]
        assert not any(row["code"][5:].replace("-", "") in value for value in kept)
    assert stored == {}
    (batch,) = shop.batches()
    assert answer.headers["Location"].endswith(f"/admin/products/{shop.product.id}/codes/{batch['id']}")
    expected = {"count": 1200, "used": 0, "revoked": 0, "uses_per_code": 1, "label": "Vinyl"}
    assert batch.items() >= {**expected, "environment": "test"}.items()
    assert shop.get(f"products/{shop.product.id}/codes/{batch['id']}") == batch
    (entry,) = shop.rows(select(AuditEntry).where(AuditEntry.action == "codes.made"))
    assert entry.detail == {
        "product": str(shop.product.id),
        "before": {},
        "after": {
            "count": 1200,
            "uses_per_code": 1,
            "label": "Vinyl",
            "expires_at": "2190-01-01T00:00:00+00:00",
        },
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 0},
        {"count": 10_001},
        {"label": ""},
        {"label": None},
        {"uses_per_code": 0},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "tomorrow"},
    ],
)
def test_wrong_wishes_of_staff_are_refused(shop, wrong):
    assert shop.make(422, **wrong).json["code"] == "invalid_input"
    assert shop.batches() == []


def test_a_label_must_not_name_a_person(shop):
    assert shop.make(422, label="for ada@example.org").json["code"] == "address_in_reason"


def test_a_customer_redeems_a_code_as_it_was_typed(shop):
    (code,) = shop.codes()
    typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert shop.redeem(typed)["product"]["title"] == "First Light"
    assert shop.owned() == ["First Light"]
    (grant,) = shop.rows(select(Grant))
    (use,) = shop.rows(select(CodeUse))
    assert (grant.plugin, grant.given_by, grant.given_because) == ("code", f"code:{use.code_id}", "Vinyl")
    assert (use.customer_id, grant.customer_id, grant.payment_id) == (shop.ada.id, shop.ada.id, None)
    actions = shop.rows(select(AuditEntry.action).order_by(AuditEntry.id))
    assert actions[-2:] == ["grant.given", "code.redeemed"]
    (batch,) = shop.batches()
    assert batch["used"] == 1
    (listed,) = shop.listed(batch)
    assert (listed["used"], listed["last_customer_id"]) == (1, str(shop.ada.id))
    assert shop.listed(batch, f"?starts_with={code[:4].lower()}") == [listed]
    assert shop.listed(batch, "?starts_with=UUUU") == []
    # A lost answer: the customer's second call finds the redemption.
    assert shop.redeem(code, 200)["product"]["title"] == "First Light"
    assert shop.batches() == [batch]


def test_codes_that_cannot_be_redeemed_have_one_answer(shop, autonomy):
    used, revoked, expired, in_live = shop.codes(count=4, expires_at="2190-01-01T00:00:00Z")
    shop.redeem(used, customer=autonomy.customer(email="bob@example.org"))
    (batch,) = shop.batches()
    (of_revoked,) = shop.listed(batch, f"?starts_with={revoked[:4]}")
    assert shop.revoke(batch, code_ids=[of_revoked["id"], str(uuid4())])["revoked"] == 1
    assert shop.redeem(used, 422) == NOT_VALID
    assert shop.redeem(revoked, 422) == NOT_VALID
    with autonomy.scope() as scope:
        row = scope.session.scalars(select(CodeBatch)).one()
        row.expires_at = datetime.now(UTC) - timedelta(seconds=1)
    assert shop.redeem(expired, 422) == NOT_VALID
    with autonomy.scope() as scope:
        row = scope.session.scalars(select(CodeBatch)).one()
        row.expires_at, row.environment = None, "live"
    assert shop.redeem(in_live, 422) == NOT_VALID
    for unknown in ("7Q2M-0XKD-93RW-HT5B", "nothing", "7Q2M-0XKD-93RW-HT5U", "ß" * 16):
        assert shop.redeem(unknown, 422, network="192.0.2.2") == NOT_VALID
    assert shop.owned() == []


def test_who_owns_the_product_keeps_the_code(shop, autonomy):
    first, second = shop.codes(count=2)
    shop.redeem(first)
    assert shop.redeem(second, 409)["code"] == "already_owned"
    (batch,) = shop.batches()
    assert batch["used"] == 1
    shop.redeem(second, customer=autonomy.customer(email="bob@example.org"))


def test_a_code_for_a_bundle_gives_what_is_missing(shop, autonomy):
    items = [str(shop.product.id), str(autonomy.product(title="Second Light").id)]
    path, body = f"{API}/admin/products", {"title": "Both", "kind": "bundle", "amount": 0, "item_ids": items}
    bundle = shop.app.post_json(path, body, headers=shop.staff, status=201).json
    path = f"{API}/admin/products/{bundle['id']}/codes"
    made = shop.app.post_json(path, {"count": 1, "label": "Both"}, headers=shop.staff)
    (row,) = csv.DictReader(io.StringIO(made.text))
    shop.redeem(shop.codes()[0])
    redeemed = shop.redeem(row["code"])["product"]
    assert [item["id"] for item in redeemed["items"]] == items
    assert sorted(shop.owned()) == ["First Light", "Second Light"]


def test_a_code_for_many_is_used_once_by_each(shop, autonomy):
    (code,) = shop.codes(uses_per_code=2)
    shop.redeem(code)
    shop.redeem(code, 200)
    shop.redeem(code, customer=autonomy.customer(email="bob@example.org"))
    eve = autonomy.customer(email="eve@example.org")
    assert shop.redeem(code, 422, customer=eve) == NOT_VALID


def test_revoked_codes_leave_what_was_redeemed(shop):
    redeemed, _ = shop.codes(count=2)
    shop.redeem(redeemed)
    (batch,) = shop.batches()
    assert shop.revoke(batch)["revoked"] == 1
    assert shop.revoke(batch)["revoked"] == 1
    assert shop.owned() == ["First Light"]
    entries = shop.rows(select(AuditEntry).where(AuditEntry.action == "codes.revoked"))
    assert [entry.detail for entry in entries] == [{"before": {"revoked": 0}, "after": {"revoked": 1}}]


def test_staff_take_back_what_a_code_gave_and_the_code_stays_used(shop):
    (code,) = shop.codes()
    shop.redeem(code)
    (grant,) = shop.get(f"customers/{shop.ada.id}/grants")["items"]
    path = f"{API}/admin/customers/{shop.ada.id}/grants/{grant['id']}/revoke"
    shop.app.post_json(path, {"reason": "stolen card"}, headers=shop.staff, status=200)
    assert shop.owned() == []
    assert shop.redeem(code, 422) == NOT_VALID


def test_a_guest_redeems_a_code_and_gets_a_link(shop):
    (code,) = shop.codes()
    shop.redeem_as_guest(code, locale="de")
    (guest,) = shop.rows(select(Customer).where(Customer.guest))
    (grant,) = shop.rows(select(Grant))
    assert (guest.email, grant.customer_id) == ("guest@example.org", guest.id)
    shop.autonomy.run_jobs()
    (mail,) = shop.autonomy.mailbox()
    assert mail["To"] == "guest@example.org"
    assert "First Light" in mail.get_body(("plain",)).get_content()
    assert shop.redeem_as_guest(code, 422) == NOT_VALID


def test_a_guest_who_repeats_a_request_gets_the_same_answer(shop):
    (code,) = shop.codes()
    key = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    assert shop.redeem_as_guest(code, headers=key) == shop.redeem_as_guest(code, headers=key)
    assert len(shop.rows(select(Grant))) == 1


def test_a_blocked_address_redeems_nothing(shop, autonomy):
    (code,) = shop.codes()
    path = f"{API}/admin/customers/{shop.ada.id}/block"
    shop.app.post_json(path, {"reason": "fraud"}, headers=shop.staff)
    problem = shop.redeem_as_guest(code, 403, email=shop.ada.email)
    assert (problem["code"], "detail" in problem) == ("redemption_refused", False)
    assert shop.redeem_as_guest("7Q2M-0XKD-93RW-HT5B", 422, email=shop.ada.email) == NOT_VALID
    shop.redeem_as_guest(code)


def test_guessing_is_limited_for_an_account_and_for_a_network(shop, autonomy):
    (code,) = shop.codes()
    for number in range(PER_ACCOUNT.attempts):
        shop.redeem("7Q2M-0XKD-93RW-HT5B", 422, network=f"192.0.2.{number}")
    problem = shop.redeem(code, 429, network="192.0.2.99")
    assert problem["retry_after"] > 0
    bob = autonomy.customer(email="bob@example.org")
    for _ in range(PER_NETWORK.attempts):
        shop.redeem_as_guest("7Q2M-0XKD-93RW-HT5B", 422)
    assert shop.redeem_as_guest(code, 429)["code"] == "too_many_requests"
    # Right codes do not count, so that a network of many buyers is not shut out.
    assert shop.redeem(code, customer=bob, network="192.0.2.99")
    for _ in range(PER_ACCOUNT.attempts + 1):
        shop.redeem(code, 200, customer=bob, network="192.0.2.99")


def test_a_merged_customer_brings_what_was_redeemed(shop, autonomy):
    (code,) = shop.codes(uses_per_code=3)
    shop.redeem_as_guest(code, email=shop.ada.email)
    (guest,) = shop.rows(select(Customer).where(Customer.guest))
    body = {"into": str(shop.ada.id), "reason": "the same person"}
    shop.app.post_json(f"{API}/admin/customers/{guest.id}/merge", body, headers=shop.staff, status=200)
    assert shop.owned() == ["First Light"]
    assert shop.redeem(code, 200)
    data: PersonalData = next(each for each in autonomy.runtime.personal_data if each.name == "codes")
    with autonomy.scope() as scope:
        ((name, exported),) = data.export(scope, shop.ada.id)
    assert name == "codes.json"
    assert [(row["product"], row["starts_with"]) for row in exported] == [("First Light", code[:4])]


def test_another_organisations_codes_are_unknown(shop, autonomy):
    (code,) = shop.codes()
    autonomy.organisation("beacon", plugins=(stand_ins.NAME,))
    bob = autonomy.customer("beacon", email="bob@example.org")
    path = "/beacon/api/v1/customers/codes"
    headers = autonomy.as_customer(bob)
    assert shop.app.post_json(path, {"code": code}, headers=headers, status=422).json == NOT_VALID


def test_only_staff_of_the_catalogue_make_codes(shop, autonomy):
    path = f"{API}/admin/products/{shop.product.id}/codes"
    reader = autonomy.as_staff(scopes=["catalog.read"])
    shop.app.post_json(path, {"count": 1, "label": "Vinyl"}, headers=reader, status=403)
    shop.app.get(path, headers=reader, status=200)
    shop.app.get(path, headers=autonomy.as_customer(shop.ada), status=403)
    shop.app.post_json(f"{API}/customers/codes", {"code": "x"}, status=401)
