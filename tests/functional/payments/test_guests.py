"""Purchases without an account: what they answer, what they keep, and what they reveal."""

import re
from types import ModuleType
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from sqlalchemy import select

from autonomy_core.coupons.models import Coupon
from autonomy_core.customers.models import Customer
from autonomy_core.db.base import utcnow
from autonomy_core.grants.models import Grant
from autonomy_core.kernel.manager import Plugins
from autonomy_core.mail.models import MailMessage
from autonomy_core.payments.consents import TEXT_VERSION, TEXTS
from autonomy_core.payments.models import Payment, PaymentConsent
from autonomy_core.payments.notices import receipt_values
from autonomy_core.payments.services import find_payment
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.payments import VerifiedEmailRequired
from autonomy_core.testing import stand_ins

EMAIL = "ada@example.org"
CONSENT = {
    "immediate_delivery": True,
    "acknowledged_loss_of_withdrawal": True,
    "text_version": TEXT_VERSION,
    "locale": "de",
}


@hookimpl
def on_purchase_requested(event):
    ASKED.append((event.customer_id, event.email_verified))
    if event.scope.organisation.support_email == "club@example.org" and event.customer_id is None:
        raise VerifiedEmailRequired


@hookimpl
def on_payment_completed(event):
    event.grant(event.payment.product_id)


ASKED = []
CLUB = ModuleType("club.plugin")
CLUB.on_purchase_requested = on_purchase_requested
CLUB.on_payment_completed = on_payment_completed


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({stand_ins.NAME: stand_ins, "club": CLUB})


class GuestShop:
    def __init__(self, autonomy):
        self.autonomy = autonomy
        self.configure()
        self.product = autonomy.product()

    def configure(self, **wishes):
        self.autonomy.organisation("acme", plugins=(stand_ins.NAME, "club"), **wishes)

    def buy(self, status=201, *, product=None, headers=None, client="192.0.2.1", **body):
        url = f"/acme/api/v1/products/{(product or self.product).id}/purchase"
        return self.autonomy.app.post_json(
            url,
            {"email": EMAIL, **body},
            headers=headers,
            status=status,
            extra_environ={"REMOTE_ADDR": client},
        )

    def status(self, answer):
        url = urlsplit(answer.json["payment_status_url"])
        return self.autonomy.app.get(f"{url.path}?{url.query}").json

    def rows(self, model):
        with self.autonomy.scope() as scope:
            return list(scope.session.scalars(select(model)))

    def payment(self, answer):
        (payment,) = (row for row in self.rows(Payment) if str(row.id) == answer.json["payment"]["id"])
        return payment

    def account(self, **values):
        with self.autonomy.scope() as scope:
            customer = Customer(organisation_id="acme", email=EMAIL, name="Ada", **values)
            scope.session.add(customer)
        return customer


@pytest.fixture
def shop(autonomy):
    ASKED.clear()
    return GuestShop(autonomy)


def test_a_guest_gets_a_checkout_page_and_a_payment(shop):
    answer = shop.buy()
    assert answer.json["checkout_url"]
    (guest,) = shop.rows(Customer)
    assert (guest.email, guest.guest, guest.email_verified_at) == (EMAIL, True, None)
    assert shop.payment(answer).customer_id == guest.id


def test_a_paid_purchase_is_granted_and_has_a_receipt(shop):
    answer = shop.buy(locale="de")
    assert shop.status(answer) == {"id": answer.json["payment"]["id"], "status": "pending"}
    shop.autonomy.settle(shop.payment(answer))
    assert shop.status(answer)["status"] == "completed"
    (grant,), (receipt,) = shop.rows(Grant), shop.rows(MailMessage)
    assert grant.customer_id == receipt.customer_id == shop.payment(answer).customer_id
    assert (receipt.template, receipt.recipient, receipt.locale) == ("payments.receipt", EMAIL, "de")


def test_a_free_product_is_completed_at_once(shop):
    answer = shop.buy(product=shop.autonomy.product(amount=0))
    assert (answer.json["payment"]["status"], answer.json["checkout_url"]) == ("completed", None)
    assert [mail.template for mail in shop.rows(MailMessage)] == ["payments.receipt"]


def test_every_purchase_is_of_a_guest_of_its_own(shop):
    first, second = shop.buy(), shop.buy()
    assert first.json["payment"]["id"] != second.json["payment"]["id"]
    assert len(shop.rows(Customer)) == 2


def test_the_answer_does_not_depend_on_an_account(shop):
    unknown = shop.buy()
    account = shop.account(email_verified_at=utcnow())
    shop.autonomy.buy(account, shop.product)
    known = shop.buy()
    assert _without_ids(known) == _without_ids(unknown)


def _without_ids(answer):
    uuid = r"[0-9a-f-]{36}"
    return answer.status, re.sub(rf"{uuid}|token=[^\"]+|\d{{4}}-[^\"]+Z", "…", answer.text)


def test_a_client_of_an_account_buys_as_a_guest_here(shop):
    account = shop.account()
    answer = shop.buy(headers=shop.autonomy.as_customer(account))
    assert shop.payment(answer).customer_id != account.id


@pytest.mark.parametrize("body", [{"email": "ada"}, {"email": None}, {"locale": "no language"}])
def test_a_malformed_purchase_is_refused(shop, body):
    assert shop.buy(422, **body).json["code"] == "invalid_input"
    assert shop.rows(Customer) == []


def test_a_product_that_is_not_on_sale_is_not_found(shop):
    shop.buy(404, product=shop.autonomy.product(active=False))


def test_a_blocked_address_is_refused_without_a_reason(shop):
    shop.account(blocked_at=utcnow(), blocked_because="stole a card")
    answer = shop.buy(403)
    assert answer.json["code"] == "purchase_refused"
    assert "detail" not in answer.json
    assert shop.rows(Payment) == []


def test_a_blocked_customer_is_refused(shop):
    account = shop.account(blocked_at=utcnow(), blocked_because="stole a card")
    url = f"/acme/api/v1/customers/products/{shop.product.id}/purchase"
    headers = shop.autonomy.as_customer(account)
    assert (
        shop.autonomy.app.post_json(url, {}, headers=headers, status=403).json["code"] == "purchase_refused"
    )


def test_a_hook_can_refuse_guests(shop):
    shop.configure(support_email="club@example.org")
    assert shop.buy(403).json["code"] == "verified_email_required"
    assert shop.rows(Customer) == []
    assert ASKED == [(None, False)]


def test_a_hook_is_told_whether_the_address_is_proven(shop):
    account = shop.account(email_verified_at=utcnow())
    url = f"/acme/api/v1/customers/products/{shop.product.id}/purchase"
    shop.autonomy.app.post_json(url, {}, headers=shop.autonomy.as_customer(account), status=201)
    assert [(account.id, True)] == ASKED


class TestStatus:
    """The link by which the buyer's browser follows the payment."""

    def test_a_token_opens_its_own_payment_only(self, shop):
        mine, other = shop.buy(), shop.buy()
        token = urlsplit(mine.json["payment_status_url"]).query
        url = urlsplit(other.json["payment_status_url"]).path
        shop.autonomy.app.get(f"{url}?{token}", status=404)

    def test_a_wrong_token_and_an_unknown_payment_answer_alike(self, shop):
        url = urlsplit(shop.buy().json["payment_status_url"]).path
        unknown = f"{url[:-4]}0000"
        answers = {shop.autonomy.app.get(f"{each}?token=abc", status=404).text for each in (url, unknown)}
        assert len({re.sub(r"[0-9a-f-]{32,36}", "…", text) for text in answers}) == 1

    def test_a_token_of_another_organisation_opens_nothing(self, shop):
        url = urlsplit(shop.buy().json["payment_status_url"])
        shop.autonomy.organisation("other", plugins=(stand_ins.NAME,))
        shop.autonomy.app.get(f"{url.path.replace('/acme/', '/other/')}?{url.query}", status=404)


class TestLimits:
    """Limits of the client's network."""

    def test_a_network_begins_a_limited_number_of_purchases(self, shop):
        shop.configure(guest_purchases_per_address="2")
        shop.buy()
        shop.buy()
        refused = shop.buy(429)
        assert 0 < refused.json["retry_after"] <= 1800
        assert refused.headers["Retry-After"]
        shop.buy(client="192.0.2.2")

    def test_an_address_is_named_by_twenty_purchases(self, shop):
        for number in range(20):
            shop.buy(client=f"192.0.2.{number}")
        shop.buy(429, client="192.0.2.100")

    def test_a_network_tries_ten_wrong_coupons(self, shop):
        for _ in range(10):
            assert shop.buy(422, coupon="WRONG").json["code"] == "coupon_not_valid"
        shop.buy(429, coupon="WRONG")
        assert shop.rows(Customer) == []

    def test_right_coupons_do_not_count(self, shop):
        self._add_coupon(shop)
        for _ in range(11):
            assert shop.buy(coupon="SPRING").json["payment"]["discount"] == 600

    def test_a_coupon_with_a_limit_for_each_customer_needs_an_account(self, shop):
        self._add_coupon(shop, max_per_customer=1)
        assert shop.buy(409, coupon="SPRING").json["code"] == "coupon_needs_account"

    def _add_coupon(self, shop, **values):
        with shop.autonomy.scope() as scope:
            scope.session.add(Coupon(organisation_id="acme", code="SPRING", percent_off=50, **values))


class TestRepetition:
    """The header ``Idempotency-Key`` of a caller that nothing identifies."""

    KEY = {"Idempotency-Key": "7d9f3b52c1a84e6f"}

    def test_a_repeated_purchase_gets_the_first_answer(self, shop):
        first, second = (shop.buy(headers=self.KEY) for _ in range(2))
        assert first.json == second.json
        assert second.headers["Idempotent-Replayed"] == "true"
        assert len(shop.rows(Payment)) == 1

    def test_the_key_alone_does_not_open_the_answer(self, shop):
        first = shop.buy(headers=self.KEY)
        stranger = shop.buy(422, headers=self.KEY, email="eve@example.org")
        assert stranger.json["code"] == "idempotency_key_reused"
        assert first.json["payment"]["id"] not in stranger.text

    def test_a_key_that_others_may_choose_too_is_refused(self, shop):
        answer = shop.buy(400, headers={"Idempotency-Key": "1"})
        assert answer.json["code"] == "idempotency_key_invalid"


class TestConsent:
    """The consent to immediate delivery."""

    def test_without_the_consent_the_error_has_the_text_to_show(self, shop):
        shop.configure(digital_consent="required")
        answer = shop.buy(422)
        assert answer.json["code"] == "consent_required"
        assert (answer.json["text_version"], answer.json["texts"]) == (TEXT_VERSION, dict(TEXTS))
        assert shop.rows(Customer) == []

    def test_an_account_needs_the_consent_too(self, shop):
        shop.configure(digital_consent="required")
        url = f"/acme/api/v1/customers/products/{shop.product.id}/purchase"
        headers = shop.autonomy.as_customer(shop.account())
        refused = shop.autonomy.app.post_json(url, {}, headers=headers, status=422)
        assert refused.json["code"] == "consent_required"
        shop.autonomy.app.post_json(url, {"consent": CONSENT}, headers=headers, status=201)
        shop.autonomy.app.post_json(url, {"consent": CONSENT}, headers=headers, status=200)
        assert len(shop.rows(PaymentConsent)) == 1

    def test_a_consent_is_kept_with_the_text_that_was_shown(self, shop):
        shop.configure(digital_consent="required")
        answer = shop.buy(consent=CONSENT)
        (consent,) = shop.rows(PaymentConsent)
        assert str(consent.payment_id) == answer.json["payment"]["id"]
        assert (consent.text, consent.locale) == (TEXTS["de"], "de")
        assert (consent.text_version, consent.client_network) == (TEXT_VERSION, "192.0.2.1")

    def test_the_receipt_confirms_the_consent(self, shop):
        shop.configure(digital_consent="required")
        with_consent = shop.buy(consent=CONSENT).json["payment"]["id"]
        with shop.autonomy.scope() as scope:
            told = receipt_values(scope, find_payment(scope, UUID(with_consent)))
        assert told["consent"]["text"] == TEXTS["de"]
        assert told["consent"]["at"] == shop.rows(PaymentConsent)[0].given_at.isoformat()

    def test_an_organisations_own_text_is_shown_and_kept(self, shop):
        own = "Ich stimme der sofortigen Lieferung zu.\nMein Widerrufsrecht erlischt damit."
        shop.configure(digital_consent="required", digital_consent_de=own.replace("\n", "\n    "))
        refused = shop.buy(422, consent=CONSENT).json
        assert refused["texts"] == {**TEXTS, "de": own}
        answer = shop.buy(consent={**CONSENT, "text_version": refused["text_version"]})
        (consent,) = shop.rows(PaymentConsent)
        assert str(consent.payment_id) == answer.json["payment"]["id"]
        assert (consent.text, consent.text_version) == (own, refused["text_version"])
        shop.configure(digital_consent="required", digital_consent_de="Ein anderer Text.")
        stale = {**CONSENT, "text_version": refused["text_version"]}
        assert shop.buy(422, consent=stale).json["text_version"] != refused["text_version"]
        assert shop.rows(PaymentConsent)[0].text == own

    def test_a_consent_to_another_text_is_none(self, shop):
        assert shop.buy(422, consent={**CONSENT, "text_version": "2020"}).json["code"] == "consent_required"

    @pytest.mark.parametrize("member", ["immediate_delivery", "acknowledged_loss_of_withdrawal"])
    def test_half_a_consent_is_refused(self, shop, member):
        assert shop.buy(422, consent={**CONSENT, member: False}).json["code"] == "invalid_input"
