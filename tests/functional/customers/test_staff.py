"""Staff find customers, block, merge and erase them, and give products."""

import pytest
from sqlalchemy import select

from autonomy_core.audit.models import AuditEntry
from autonomy_core.customers.models import Customer, CustomerNote
from autonomy_core.customers.services import find_customer
from autonomy_core.customers.staff.services import is_blocked
from autonomy_core.grants.models import Grant
from autonomy_core.grants.services import owns
from autonomy_core.kernel.events import CustomerUpdated, GrantRevoked
from autonomy_core.mail.models import MailMessage
from autonomy_core.payments.ownership import bought_at, first_bought_at

READ, WRITE = ("customers.read",), ("customers.write",)


class Staff:
    """A member of staff at work, with a key of some scopes."""

    def __init__(self, desk):
        self.desk, self.autonomy, self.app = desk, desk.autonomy, desk.autonomy.app
        self.headers = desk.autonomy.as_staff(scopes=WRITE)
        self.ada = desk.autonomy.customer()
        self.bob = desk.autonomy.customer(email="bob@example.org")

    def call(self, method, path, body=None, status=None, headers=None):
        arguments = {"headers": headers or self.headers, "status": status}
        url = f"/acme/api/v1/admin/customers{path}"
        if body is None:
            return getattr(self.app, method)(url, **arguments).json
        return getattr(self.app, f"{method}_json")(url, body, **arguments).json

    def get(self, path="", **arguments):
        return self.call("get", path, **arguments)

    def post(self, path, body=None, status=None, **arguments):
        return self.call("post", path, body or {}, status, **arguments)

    def found(self, query):
        return {item["email"] for item in self.get(f"?{query}")["items"]}

    def give(self, product, status=201, reason="a wish"):
        return self.post(f"/{self.ada.id}/grants", {"product_id": str(product.id), "reason": reason}, status)

    def owns(self, product):
        with self.autonomy.scope() as scope:
            return owns(scope, self.ada.id, product.id)

    def audit(self, action):
        return self.desk.rows(select(AuditEntry).where(AuditEntry.action == action))

    def mails(self):
        return [(mail.template, mail.recipient) for mail in self.desk.rows(select(MailMessage))]


@pytest.fixture
def staff(desk):
    return Staff(desk)


@pytest.mark.parametrize(
    ("query", "emails"),
    [
        ("", {"ada@example.org", "bob@example.org", "guest@example.org"}),
        ("q=ADA@EXAMPLE.org", {"ada@example.org"}),
        ("q=b@ex", {"bob@example.org"}),
        ("q=ada", {"ada@example.org", "bob@example.org"}),  # Both are called Ada.
        ("q=%25", set()),
        ("guest=true", {"guest@example.org"}),
        ("guest=false&q=guest", set()),
        ("blocked=true", {"bob@example.org"}),
        ("blocked=false&guest=false", {"ada@example.org"}),
        ("reference=pi_unknown", set()),
    ],
)
def test_customers_are_found_by_parts_of_address_and_name(staff, query, emails):
    staff.desk.guest("guest@example.org")
    staff.post(f"/{staff.bob.id}/block", {"reason": "a stolen card"})
    assert staff.found(query) == emails


def test_a_customer_is_found_by_the_id_of_a_payment(staff):
    payment = staff.autonomy.buy(staff.ada, staff.autonomy.product())
    assert staff.found(f"reference={payment.id}") == {"ada@example.org"}


def test_a_merged_customer_is_found_by_the_old_address(staff):
    body = {"into": str(staff.bob.id), "reason": "the same person"}
    assert staff.post(f"/{staff.ada.id}/merge", body)["email"] == "bob@example.org"
    assert staff.found("q=ada@example") == {"bob@example.org"}
    assert staff.get(f"/{staff.ada.id}")["merged_into"] == str(staff.bob.id)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "/block", {"reason": "x"}),
        ("post", "/unblock", {}),
        ("post", "/merge", {"into": "0198c0de-0000-7000-8000-000000000001", "reason": "x"}),
        ("delete", "", None),
        ("post", "/notes", {"text": "x"}),
        ("post", "/grants", {"product_id": "0198c0de-0000-7000-8000-000000000001", "reason": "x"}),
    ],
)
def test_a_key_that_only_reads_changes_nothing(staff, method, path, body):
    headers = staff.autonomy.as_staff(scopes=READ)
    answer = staff.call(method, f"/{staff.ada.id}{path}", body, status=403, headers=headers)
    assert answer["code"] == "not_allowed"


def test_other_scopes_see_no_customers(staff):
    headers = staff.autonomy.as_staff(scopes=("payments.read", "catalog.write"))
    assert staff.get("", status=403, headers=headers)["code"] == "not_allowed"


def test_payments_of_a_customer_need_the_scope_of_payments(staff):
    payment = staff.autonomy.buy(staff.ada, staff.autonomy.product())
    path = f"/{staff.ada.id}/payments"
    staff.get(path, status=403)
    headers = staff.autonomy.as_staff(scopes=("payments.read",))
    assert [item["id"] for item in staff.get(path, headers=headers)["items"]] == [str(payment.id)]


def test_a_blocked_customer_buys_nothing_until_unblocked(staff):
    product = staff.autonomy.product()
    buy = f"/acme/api/v1/customers/products/{product.id}/purchase"
    headers = staff.autonomy.as_customer(staff.ada)
    staff.post(f"/{staff.ada.id}/block", {"reason": "a stolen card"})
    assert staff.app.post_json(buy, {}, headers=headers, status=403).json["code"] == "purchase_refused"
    with staff.autonomy.scope() as scope:
        assert is_blocked(scope, "ada@example.org")
    staff.post(f"/{staff.ada.id}/unblock")
    staff.app.post_json(buy, {}, headers=headers, status=201)


def test_a_block_is_audited_and_told_to_plugins(staff):
    staff.post(f"/{staff.ada.id}/block", {"reason": "a stolen card"})
    (event,) = [each for each in staff.desk.events if isinstance(each, CustomerUpdated)]
    assert event.changed == {"blocked_at", "blocked_because"}
    (entry,) = staff.audit("customer.updated")
    assert entry.actor.startswith("staff:")
    assert entry.detail["before"] == {"blocked_at": None, "blocked_because": None}
    assert entry.detail["after"]["blocked_because"] == "a stolen card"


@pytest.mark.parametrize("path", ["/block", "/merge", "/grants"])
def test_a_reason_that_an_erasure_could_not_remove_is_refused(staff, path):
    body = {"reason": "asked by ada@example.org"}
    body |= {"/merge": {"into": str(staff.bob.id)}}.get(path, {})
    body |= {"/grants": {"product_id": str(staff.autonomy.product().id)}}.get(path, {})
    assert staff.post(f"/{staff.ada.id}{path}", body, 422)["code"] == "address_in_reason"


def test_merging_into_an_unknown_customer_is_refused(staff):
    body = {"into": "0198c0de-0000-7000-8000-000000000001", "reason": "the same person"}
    assert staff.post(f"/{staff.ada.id}/merge", body, 422)["code"] == "unknown_customer"


def test_notes_are_kept_with_their_author_and_move_with_the_customer(staff):
    made = staff.post(f"/{staff.ada.id}/notes", {"text": "Called: ada@example.org\nA receipt."}, 201)
    assert made["author"].startswith("staff:")
    (entry,) = staff.audit("customer.noted")
    assert entry.detail == {"before": {}, "after": {"note": made["id"]}}
    staff.post(f"/{staff.ada.id}/merge", {"into": str(staff.bob.id), "reason": "the same person"})
    assert [note["text"] for note in staff.get(f"/{staff.bob.id}/notes")["items"]] == [made["text"]]


def test_an_erasure_by_staff_runs_as_a_job_and_takes_the_notes(staff):
    staff.post(f"/{staff.ada.id}/notes", {"text": "Called from ada@example.org"}, 201)
    staff.call("delete", f"/{staff.ada.id}", status=202)
    staff.autonomy.run_jobs()
    with staff.autonomy.scope() as scope:
        row = find_customer(scope, staff.ada.id)
        assert (row.email, row.erased_at is not None) == ("", True)
    assert staff.desk.rows(select(CustomerNote)) == []
    assert staff.found("") == {"bob@example.org"}
    (entry,) = staff.audit("customer.erased")
    assert entry.actor.startswith("staff:")


def test_what_staff_give_is_owned_and_listed_with_the_reason(staff):
    product = staff.autonomy.product()
    (given,) = staff.give(product)["items"]
    assert staff.owns(product)
    assert (given["payment_id"], given["given_because"]) == (None, "a wish")
    assert staff.get(f"/{staff.ada.id}/grants")["items"] == [given]
    assert [entry.detail["reason"] for entry in staff.audit("grant.given")] == ["a wish"]
    assert staff.mails() == [("grants.given", "ada@example.org")]


def test_a_gift_is_given_once(staff):
    product = staff.autonomy.product()
    staff.give(product)
    assert staff.give(product, 409)["code"] == "already_granted"


def test_of_a_bundle_the_missing_items_are_given(staff):
    first, second = staff.autonomy.product(title="First"), staff.autonomy.product(title="Second")
    body = {"title": "Both", "kind": "bundle", "amount": 900, "item_ids": [str(first.id), str(second.id)]}
    headers = staff.autonomy.as_staff()
    bundle = staff.app.post_json("/acme/api/v1/admin/products", body, headers=headers, status=201).json
    staff.give(first)
    gift = {"product_id": bundle["id"], "reason": "a wish"}
    given = staff.post(f"/{staff.ada.id}/grants", gift, 201)["items"]
    assert [grant["title"] for grant in given] == ["Second"]
    assert staff.post(f"/{staff.ada.id}/grants", gift, 409)["code"] == "already_granted"


def test_an_unknown_product_cannot_be_given(staff):
    body = {"product_id": "0198c0de-0000-7000-8000-000000000001", "reason": "a wish"}
    assert staff.post(f"/{staff.ada.id}/grants", body, 422)["code"] == "unknown_product"


def test_a_gift_is_taken_back_once_with_a_reason_and_a_mail(staff):
    product = staff.autonomy.product()
    (given,) = staff.give(product)["items"]
    path = f"/{staff.ada.id}/grants/{given['id']}/revoke"
    taken = staff.post(path, {"reason": "a mistake"})
    assert not staff.owns(product)
    assert (taken["revoked_because"], taken["revoked_at"] is not None) == ("a mistake", True)
    (event,) = [each for each in staff.desk.events if isinstance(each, GrantRevoked)]
    assert (event.payment_id, event.granted_by, event.reason) == (None, "staff", "a mistake")
    assert staff.mails()[-1] == ("grants.revoked", "ada@example.org")
    assert staff.post(path, {"reason": "a mistake"}, 409)["code"] == "already_revoked"
    staff.give(product)


def test_what_was_bought_is_refunded_and_not_taken_back(staff):
    product = staff.autonomy.product()
    staff.autonomy.buy(staff.ada, product)
    (grant,) = staff.desk.rows(select(Grant))
    path = f"/{staff.ada.id}/grants/{grant.id}/revoke"
    assert staff.post(path, {"reason": "a mistake"}, 409)["code"] == "grant_of_payment"
    assert staff.owns(product)


def test_the_grant_of_another_customer_is_not_found(staff):
    (given,) = staff.give(staff.autonomy.product())["items"]
    staff.post(f"/{staff.bob.id}/grants/{given['id']}/revoke", {"reason": "a mistake"}, 404)


def test_a_gift_counts_as_a_purchase_from_its_day_on(staff):
    product = staff.autonomy.product()
    staff.give(product)
    (grant,) = staff.desk.rows(select(Grant))
    with staff.autonomy.scope() as scope:
        assert bought_at(scope, staff.ada.id, product.id) == grant.granted_at
        assert first_bought_at(scope, product.id) == grant.granted_at


def test_the_mails_to_a_customer_are_listed_with_their_state(staff):
    staff.give(staff.autonomy.product())
    (mail,) = staff.get(f"/{staff.ada.id}/mail")["items"]
    assert (mail["template"], mail["status"], mail["to"]) == (
        "grants.given",
        "queued",
        "ada@example.org",
    )
    assert staff.get(f"/{staff.bob.id}/mail")["items"] == []


def test_an_unknown_customer_is_not_found(staff):
    staff.get("/0198c0de-0000-7000-8000-000000000001", status=404)


def test_the_customers_of_another_organisation_are_not_found(staff):
    staff.autonomy.organisation("beacon", plugins=("stand_ins", "watching"))
    there = staff.autonomy.customer("beacon")
    staff.get(f"/{there.id}", status=404)
    staff.post(f"/{there.id}/block", {"reason": "x"}, 404)
    body = {"into": str(there.id), "reason": "x"}
    assert staff.post(f"/{staff.ada.id}/merge", body, 422)["code"] == "unknown_customer"
    with staff.autonomy.scope("beacon") as scope:
        assert scope.session.scalars(select(Customer.blocked_at)).all() == [None]
