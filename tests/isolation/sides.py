"""Two organisations with everything that one might want to have of the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from autonomy_core.catalog.models import Product
from autonomy_core.customers.models import Customer
from autonomy_core.jobs.models import JobFailure
from autonomy_core.kernel.runtime import Runtime
from autonomy_core.kernel.settlements import DisputeReport, DisputeStatus, RefundReport, RefundStatus
from autonomy_core.openapi.calls import Call, calls_of
from autonomy_core.operations.flushing import flush_all
from autonomy_core.payments.models import Payment
from autonomy_core.payments.offers import read_offer
from autonomy_core.payments.purchasing import open_payment, order_for
from autonomy_core.payments.return_urls import ReturnUrls
from autonomy_core.plugin_api.alarms import raise_alarm
from autonomy_core.plugin_api.jobs import defer
from autonomy_core.plugin_api.protocols import Checkout
from autonomy_core.testing import stand_ins
from autonomy_core.testing.application import Autonomy
from autonomy_core.testing.conformance import UNCHECKED
from demo import music
from stripe_payments.testing import checkout_session, signed, stripe_event, stripe_settings, webhook_secret
from tests.isolation import intruder

PASSWORD = "correct horse of "
MANY = "100000"
NEUTRAL_HOST = "server.example"
"""A name of the server that is no organisation's."""

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
"""The Idempotency-Key that everybody uses."""


@dataclass
class Side:
    """An organisation, and what belongs to it alone.

    Attributes:
        marker: a word that is in all of its texts and nowhere else.
        credentials: what goes into ``Authorization: Bearer …``, by who holds it.
        identifiers: values of path parameters and of members of bodies and queries, by their names.
        link: the query of a signed link, empty without a plugin that signs any.
        link_opens: the last segment of the link's path.
    """

    id: str
    host: str
    marker: str
    credentials: dict[str, str] = field(default_factory=dict)
    identifiers: dict[str, str] = field(default_factory=dict)
    link: dict[str, str] = field(default_factory=dict)
    link_opens: str = ""

    @property
    def secrets(self) -> set[str]:
        """What no answer to anybody else may contain."""
        named = {name: value for name, value in self.identifiers.items() if name != "organisation_id"}
        return {self.marker, *named.values(), *self.credentials.values(), *self.link.values()}


@dataclass
class World:
    """The application with both organisations."""

    autonomy: Autonomy
    one: Side
    other: Side

    @property
    def runtime(self) -> Runtime:
        return self.autonomy.runtime

    @property
    def calls(self) -> list[Call]:
        """Every call of every plugin."""
        return calls_of_all(self.autonomy)

    def opponent(self, side: Side) -> Side:
        return self.other if side is self.one else self.one

    @contextmanager
    def undone(self) -> Iterator[None]:
        """What happens in the block is undone. Only where the whole test is, on one connection."""
        savepoint = self.autonomy.database._bind.begin_nested()
        try:
            yield
        finally:
            savepoint.rollback()


def calls_of_all(autonomy: Autonomy) -> list[Call]:
    return list(calls_of(autonomy.app.app.registry, autonomy.runtime.plugins.names))


def make_world(autonomy: Autonomy) -> World:
    """Fill two organisations, each through its own API as far as that goes."""
    sides = [Side(name, f"{name}.example", f"confidential{name}") for name in ("acme", "beacon")]
    for side in sides:
        _organise(autonomy, side)
        _register(autonomy, side)
        _stock(autonomy, side)
        _reduce(autonomy, side)
        _sell(autonomy, side)
        _tell_of_payments(autonomy, side)
        _find_tracks(autonomy, side)
    flush_all(autonomy.runtime)
    return World(autonomy, *sides)


def _organise(autonomy: Autonomy, side: Side) -> None:
    # The stand-ins come first: purchases go to the provider that needs nobody else's server.
    plugins = sorted(autonomy.runtime.plugins.names, key=lambda name: name != stand_ins.NAME)
    settings = {
        "stripe_payments": stripe_settings(side.id),
        "customer_auth": {"failed_logins_per_address": MANY},
    }
    autonomy.organisation(
        side.id,
        plugins=plugins,
        hosts=(side.host,),
        settings={name: section for name, section in settings.items() if name in plugins},
    )
    side.identifiers["organisation_id"] = side.id
    side.credentials["staff"] = autonomy.as_staff(side.id)["Authorization"].removeprefix("Bearer ")


def _post(autonomy: Autonomy, side: Side, path: str, body: dict[str, Any], who: str | None = None) -> Any:
    credentials = {"Authorization": f"Bearer {side.credentials[who]}"} if who else {}
    headers = {"Idempotency-Key": f"{KEY}-{len(side.identifiers)}", **credentials}
    return autonomy.app.post_json(f"/{side.id}/api/v1/{path}", body, headers=headers).json


def _register(autonomy: Autonomy, side: Side) -> None:
    for who in ("visitor", "owner"):
        body = {
            "email": f"{who}.{side.marker}@example.org",
            "password": PASSWORD + side.marker,
            "name": side.marker,
        }
        registered = _post(autonomy, side, "customers/register", body)
        side.credentials[who] = registered["access_token"]
        side.credentials["refresh token"] = registered["refresh_token"]
        side.identifiers |= {"email": body["email"], "password": body["password"]}
        side.identifiers["current_password"] = body["password"]
        side.identifiers |= {"customer_id": registered["customer"]["id"]}
    side.identifiers["refresh_token"] = side.credentials["refresh token"]


def _stock(autonomy: Autonomy, side: Side) -> None:
    product = {"title": f"Title {side.marker}", "description": side.marker, "kind": "thing", "amount": 1200}
    side.identifiers["product_id"] = _post(autonomy, side, "admin/products", product, "staff")["id"]
    if any(call.path == "/admin/products/{product_id}/tracks" for call in calls_of_all(autonomy)):
        product["kind"] = "mp3"
        side.identifiers["product_id"] = _post(autonomy, side, "admin/products", product, "staff")["id"]
        _upload(autonomy, side)


def _upload(autonomy: Autonomy, side: Side) -> None:
    """A track whose file has been replaced, so that there is one to which no track refers."""
    path = f"/{side.id}/api/v1/admin/products/{side.identifiers['product_id']}/tracks"
    headers = {"Authorization": f"Bearer {side.credentials['staff']}"}
    first, second = (("file", f"{side.marker}.mp3", recording(side.marker + end)) for end in ("", " again"))
    track = autonomy.app.post(path, headers=headers, upload_files=[first]).json["track"]
    autonomy.app.put(f"{path}/{track['id']}/file", headers=headers, upload_files=[second])
    (collect,) = [job for job in autonomy.runtime.jobs if job.name == "media_mp3.collect"]
    with autonomy.scope(side.id) as scope:
        collect.function(scope)


def _reduce(autonomy: Autonomy, side: Side) -> None:
    """A bundle, and a coupon with which it is about to be bought; and a wrong code."""
    product_id = side.identifiers["product_id"]
    side.identifiers["coupon"] = side.marker
    bundle = {"title": side.marker, "kind": "bundle", "amount": 900, "item_ids": [product_id]}
    bundle_id = _post(autonomy, side, "admin/products", bundle, "staff")["id"]
    side.identifiers["bundle_id"] = bundle_id
    archived = _post(autonomy, side, "admin/products", {**bundle, "title": "put away"}, "staff")["id"]
    headers = {"Authorization": f"Bearer {side.credentials['staff']}"}
    path = f"/{side.id}/api/v1/admin/products/{archived}"
    autonomy.app.patch_json(path, {"archived": True}, headers=headers)
    coupon = {"code": side.marker, "percent_off": 50}
    side.identifiers["coupon_id"] = _post(autonomy, side, "admin/coupons", coupon, "staff")["id"]
    restricted = {"code": f"OTHER-{side.marker}", "amount_off": 50, "product_ids": [product_id]}
    _post(autonomy, side, "admin/coupons", restricted, "staff")
    path = f"/{side.id}/api/v1/customers/products/{bundle_id}/purchase"
    headers = {"Host": NEUTRAL_HOST, "Authorization": f"Bearer {side.credentials['visitor']}"}
    autonomy.app.post_json(path, {"coupon": side.marker}, headers=headers)
    autonomy.app.post_json(path, {"coupon": "WRONG"}, headers=headers, status=422)


@cache
def recording(title: str) -> bytes:
    """A real MP3 file."""
    return music.mp3(replace(music.PIECES[0], title=title))


def _sell(autonomy: Autonomy, side: Side) -> None:
    with autonomy.scope(side.id) as scope:
        job_id = defer(scope, intruder.JOB, note=side.marker)
        key = {"organisation_id": side.id, "job_id": job_id}
        scope.session.add(JobFailure(**key, attempt=1, error=side.marker))
        raise_alarm(scope, "intruder.found", side.marker, side.marker)
        sold = scope.session.get_one(Product, (side.id, side.identifiers["product_id"]))
    for name in autonomy.runtime.providers:
        product = autonomy.product(side.id, title=side.marker) if name == stand_ins.NAME else sold
        payment, checkout = payment_at(autonomy, side, name, product)
        autonomy.settle(payment, **_reversals(payment))
        if name == stand_ins.NAME:
            # The one that can be refunded without anybody else's server.
            side.identifiers["payment_id"] = str(payment.id)
        else:
            side.identifiers["session_id"] = checkout.reference


def _reversals(payment: Payment) -> dict[str, Any]:
    """A bit of it refunded, and asked about by a bank, so that there is something of each."""
    refund = RefundReport(f"re_{payment.id.hex}", 1, payment.currency, RefundStatus.SUCCEEDED)
    inquiry = DisputeReport(f"du_{payment.id.hex}", 1, payment.currency, DisputeStatus.INQUIRY)
    return {"refunds": (refund,), "disputes": (inquiry,)}


def payment_at(
    autonomy: Autonomy, side: Side, provider_name: str, product: Product
) -> tuple[Payment, Checkout]:
    """A pending payment as its provider keeps it, without asking the provider's server for a checkout."""
    provider = autonomy.runtime.providers[provider_name]
    url = f"https://{side.host}/"
    urls = ReturnUrls(f"{url}{side.marker}", url, url)
    with autonomy.scope(side.id) as scope:
        customer = scope.session.get_one(Customer, (side.id, UUID(side.identifiers["customer_id"])))
        payment = open_payment(scope, customer.id, product.id, urls).payment
        payment.provider = provider.name
        checkout = Checkout(checkout_session(payment)["id"], f"https://pay.example/{side.marker}")
        offer = read_offer(scope, customer.id, product.id, payment.environment)
        provider.prepare(scope, order_for(payment, offer, urls))
        provider.attach(scope, payment.id, checkout)
    return payment, checkout


def _tell_of_payments(autonomy: Autonomy, side: Side) -> None:
    body, headers = event_of(side, "charge.updated")
    if "stripe_payments" in autonomy.runtime.plugins.names:
        autonomy.app.post(f"/api/webhook/stripe/{side.id}", body, headers=headers)


def event_of(side: Side, event_type: str) -> tuple[bytes, dict[str, str]]:
    """An event of the organisation's account, signed with its secret."""
    event = stripe_event(event_type, {"livemode": False, "description": side.marker})
    return signed(event, webhook_secret(side.id))


def _find_tracks(autonomy: Autonomy, side: Side) -> None:
    headers = {"Authorization": f"Bearer {side.credentials['owner']}"}
    path = f"/{side.id}/api/v1/customers/products/{side.identifiers['product_id']}/tracks"
    answer = autonomy.app.get(path, headers=headers, expect_errors=True, extra_environ=UNCHECKED)
    for track in json.loads(answer.body)["items"] if answer.status_int == 200 else ():
        side.identifiers["track_id"] = track["id"]
        parts = urlsplit(track["stream_url"])
        side.link, side.link_opens = dict(parse_qsl(parts.query)), parts.path.rsplit("/", 1)[-1]
