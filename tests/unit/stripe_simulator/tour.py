"""Calls of everything that the simulator can do, with a record of its answers."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

import requests
import stripe

from stripe_simulator import API_VERSION
from stripe_simulator.api import ROUTES

PATTERNS = {
    f"{route.method} {route.pattern}": (
        route.method,
        re.compile(re.sub(r"\{\w+\}", "[^/]+", route.pattern) + r"\Z"),
    )
    for route in ROUTES
}

SEPA = {"type": "sepa_debit", "sepa_debit": {"iban": "AT611904300234573201"}}
CARD = {"type": "card", "card": {"token": "tok_visa"}, "billing_details": {"email": "ann@example.com"}}


class Recorder(stripe.RequestsClient):
    """An HTTP client of the SDK that records each answer."""

    def __init__(self, tour: Tour) -> None:
        super().__init__(timeout=20)
        self._tour = tour

    def request(self, method: str, url: str, *arguments: Any, **options: Any) -> Any:
        answer = super().request(method, url, *arguments, **options)
        self._tour.note(method, url, dict(json.loads(answer[0])))
        return answer


class Tour:
    """Made of calls in one version.

    Attributes:
        answers: the bodies of all answers.
        calls: the routes that were called, such as ``GET /v1/account``.
        events: what happened, in the pinned version.
    """

    def __init__(self, url: str, version: str) -> None:
        self.answers: list[dict[str, Any]] = []
        self.calls: set[str] = set()
        self.events: list[dict[str, Any]] = []
        self._url = url
        self.version = version
        self._key = "sk_test_tour"
        self._stripe = stripe.StripeClient(
            self._key,
            stripe_version=version,
            base_addresses={"api": url},
            http_client=Recorder(self),
            max_network_retries=0,
        ).v1

    def note(self, method: str, url: str, answer: dict[str, Any]) -> None:
        path = urlsplit(url).path
        self.calls |= {
            name
            for name, (verb, pattern) in PATTERNS.items()
            if verb == method.upper() and pattern.match(path)
        }
        self.answers.append(answer)

    def take(self) -> None:
        """Make all calls."""
        self._catalogue()
        self._endpoints()
        self._ways_to_pay()
        self._payment_pages()
        self._intents()
        self._refunds()
        self._disputes()
        self._lists()

    def _catalogue(self) -> None:
        account = self._stripe.accounts.retrieve_current()
        self._stripe.country_specs.retrieve(account.country)
        product = self._stripe.products.create({"name": "Night Train", "description": "Live"})
        self.price = self._stripe.prices.create(
            {"product": product.id, "unit_amount": 990, "currency": "eur"}
        )

    def _endpoints(self) -> None:
        endpoints = self._stripe.webhook_endpoints
        made = endpoints.create(
            {"url": "http://127.0.0.1:9/webhook", "enabled_events": ["*"], "metadata": {"a": "1"}}
        )
        endpoints.retrieve(made.id)
        endpoints.list()
        endpoints.update(made.id, {"disabled": True, "description": "off"})
        self._endpoint = made.id

    def _session(self, **changes: Any) -> Any:
        item = {"price": self.price.id, "quantity": 2}
        return self._stripe.checkout.sessions.create(
            {
                "mode": "payment",
                "line_items": [item],
                "success_url": "https://shop.example/paid",
                "cancel_url": "https://shop.example/",
                "expand": ["line_items"],
                **changes,
            }
        )

    def _pay(self, session: Any, action: str = "pay", **form: str) -> Any:
        page = f"{self._url}/c/pay/{session.id}"
        requests.post(page, data={"action": action, **form}, allow_redirects=False, timeout=20)
        expand = ["payment_intent.latest_charge"]
        return self._stripe.checkout.sessions.retrieve(session.id, {"expand": expand})

    def _told(self, path: str, **form: str) -> dict[str, Any]:
        answer = requests.post(f"{self._url}/_simulator/{path}", data=form, timeout=20)
        answer.raise_for_status()
        return dict(answer.json())

    def _ways_to_pay(self) -> None:
        self._stripe.checkout.sessions.expire(self._session().id)
        written = {
            "currency": "usd",
            "unit_amount": 700,
            "product_data": {"name": "Fog", "description": "EP"},
        }
        self._pay(
            self._session(line_items=[{"price_data": written, "quantity": 1}], locale="de", submit_type="pay")
        )
        self._pay(
            self._session(customer_email="ann@example.com", client_reference_id="1", metadata={"a": "1"})
        )
        free = {"currency": "eur", "unit_amount": 0, "product_data": {"name": "Gift"}}
        self._pay(self._session(line_items=[{"price_data": free, "quantity": 1}]))
        self._pay(self._session(), "decline")
        methods = "allowed_payment_method_types" if self.version == API_VERSION else "payment_method_types"
        self._session(**{methods: ["card"]})
        for currency in ("eur", "usd", "gbp", "cad", "aud"):
            price = {"currency": currency, "unit_amount": 990, "product_data": {"name": "Slow"}}
            for outcome in ("succeeded", "failed"):
                session = self._session(line_items=[{"price_data": price, "quantity": 1}])
                self._pay(session, "pay_by_debit")
                self._told(f"sessions/{session.id}/settle", outcome=outcome)
                self._stripe.checkout.sessions.retrieve(
                    session.id, {"expand": ["payment_intent.latest_charge"]}
                )

    def _payment_pages(self) -> None:
        for kind in (SEPA, CARD):
            method = self._stripe.payment_methods.create(kind)
            path = f"/v1/payment_pages/{self._session().id}"
            self._by_hand("GET", path)
            self._by_hand(
                "POST",
                f"{path}/confirm",
                payment_method=method.id,
                expected_amount=str(2 * self.price.unit_amount),
            )

    def _by_hand(self, method: str, path: str, **form: str) -> None:
        """Make an undocumented call, for which the SDK has no function."""
        answer = requests.request(
            method,
            self._url + path,
            data=form or None,
            auth=(self._key, ""),
            headers={"Stripe-Version": self.version},
            timeout=20,
        )
        self.note(method, self._url + path, answer.json())

    def _paid(self, card: str = "visa") -> Any:
        address = {"line1": "1 Pier", "city": "Cork", "country": "IE"}
        return self._stripe.payment_intents.create(
            {
                "amount": 2000,
                "currency": "usd",
                "confirm": True,
                "payment_method": f"pm_card_{card}",
                "receipt_email": "ann@example.com",
                "shipping": {"name": "Ann", "address": address},
                "statement_descriptor": "SHOP",
                "expand": ["latest_charge"],
            }
        )

    def _intents(self) -> None:
        intent = self._paid()
        self._stripe.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
        self._stripe.charges.retrieve(intent.latest_charge.id, {"expand": ["payment_intent"]})
        for refused in (
            lambda: self._paid("chargeDeclined"),
            lambda: self._stripe.charges.retrieve("ch_nothing"),
        ):
            try:
                refused()
            except stripe.StripeError:
                continue
            raise AssertionError("it was not refused")

    def _refunds(self) -> None:
        refunds = self._stripe.refunds
        made = refunds.create(
            {
                "payment_intent": self._paid().id,
                "amount": 500,
                "reason": "requested_by_customer",
                "metadata": {"a": "1"},
                "instructions_email": "ann@example.com",
            }
        )
        refunds.update(made.id, {"metadata": {"b": "2"}})
        refunds.retrieve(made.id, {"expand": ["charge", "payment_intent"]})
        refunds.create({"payment_intent": self._paid("refundFail").id})
        pending = refunds.create({"payment_intent": self._paid("pendingRefund").id})
        self._told(f"refunds/{pending.id}/succeed")
        session = self._pay(self._session())
        waiting = self._told(f"sessions/{session.id}/refund", status="requires_action")
        refunds.cancel(waiting["id"])

    def _dispute(self, card: str) -> Any:
        intent = self._paid(card)
        [dispute] = self._stripe.disputes.list({"payment_intent": intent.id}).data
        return dispute

    def _disputes(self) -> None:
        disputes = self._stripe.disputes
        for text in ("winning_evidence", "losing_evidence"):
            dispute = self._dispute("createDispute")
            disputes.update(dispute.id, {"evidence": {"uncategorized_text": text}, "metadata": {"a": "1"}})
            disputes.retrieve(dispute.id, {"expand": ["charge", "payment_intent"]})
        disputes.close(self._dispute("createDisputeProductNotReceived").id)
        lost = self._dispute("createDispute")
        disputes.close(lost.id)
        self._told(f"disputes/{lost.id}/appeal")
        if self.version == API_VERSION:
            evidence = {
                "appeal": {"card": {"reason_for_filing": "We sent it.", "supporting_files": ["file_1"]}}
            }
            disputes.update(lost.id, {"evidence": evidence})
        self._told(f"disputes/{lost.id}/close", outcome="won")
        inquiry = self._dispute("createDisputeInquiry")
        self._told(f"disputes/{inquiry.id}/escalate")
        disputes.close(self._dispute("createDisputeInquiry").id)
        debited = self._session()
        self._pay(debited, "pay_by_debit")
        self._told(f"sessions/{debited.id}/settle", outcome="succeeded")
        self._told(f"sessions/{debited.id}/dispute", reason="debit_not_authorized")

    def _lists(self) -> None:
        everything = {"limit": 100}
        self._stripe.checkout.sessions.list(everything)
        self._stripe.payment_intents.list(everything | {"expand": ["data.latest_charge"]})
        self._stripe.charges.list(everything)
        self._stripe.refunds.list(everything)
        self._stripe.disputes.list(everything)
        sources = everything | {"expand": ["data.source"], "created": {"gte": 1}}
        booked = self._stripe.balance_transactions.list(sources).data
        self._stripe.balance_transactions.retrieve(booked[0].id, {"expand": ["source"]})
        self._stripe.charges.list(everything | {"expand": ["data.balance_transaction"]})
        self._stripe.refunds.list(everything | {"expand": ["data.balance_transaction"]})
        events = list(self._stripe.events.list(everything).auto_paging_iter())
        self._stripe.events.retrieve(events[0].id)
        self._by_hand("POST", f"/v1/events/{events[0].id}/retry", webhook_endpoint=self._endpoint)
        self._stripe.webhook_endpoints.delete(self._endpoint)
        self.events = requests.get(f"{self._url}/_simulator/ledger", timeout=20).json()["events"]
