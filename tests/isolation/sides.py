"""Two organisations with data of every kind that an attack could reach."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit
from uuid import UUID

from PIL import Image

from autonomy_core.catalog.models import Product
from autonomy_core.customers.changing import unsubscribe_url
from autonomy_core.customers.models import Customer
from autonomy_core.customers.services import register_customer
from autonomy_core.db.base import utcnow
from autonomy_core.files.area import FileArea
from autonomy_core.files.models import UploadPart
from autonomy_core.files.services import key_of, storage_of
from autonomy_core.files.settings import PARTS
from autonomy_core.files.uploads.collecting import collect as collect_uploads
from autonomy_core.files.uploads.domain import NewUpload
from autonomy_core.files.uploads.services import begin_upload
from autonomy_core.images.collecting import collect as collect_images
from autonomy_core.images.domain import colour_of_text
from autonomy_core.images.placeholder import Placeholders
from autonomy_core.images.settings import IMAGES
from autonomy_core.jobs.models import JobFailure
from autonomy_core.kernel.runtime import Runtime
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import DisputeReport, DisputeStatus, RefundReport, RefundStatus
from autonomy_core.mail.models import MailMessage
from autonomy_core.mail.suppressions import suppress
from autonomy_core.openapi.calls import Call, calls_of
from autonomy_core.operations.flushing import flush_all
from autonomy_core.payments.buyers import Buyer
from autonomy_core.payments.consents import TEXT_VERSION
from autonomy_core.payments.guests import status_token
from autonomy_core.payments.models import Payment, PaymentTax
from autonomy_core.payments.offers import read_offer
from autonomy_core.payments.purchasing import open_payment, order_for
from autonomy_core.payments.return_urls import ReturnUrls
from autonomy_core.plugin_api.alarms import raise_alarm
from autonomy_core.plugin_api.jobs import defer
from autonomy_core.plugin_api.mail import send
from autonomy_core.plugin_api.payments import BalanceKind, BalanceReport, record_balances
from autonomy_core.plugin_api.protocols import Checkout
from autonomy_core.security import api_keys
from autonomy_core.security.roles import Role
from autonomy_core.staff import services as staff
from autonomy_core.testing import stand_ins
from autonomy_core.testing.application import Autonomy
from autonomy_core.testing.conformance import UNCHECKED
from customer_auth.challenges.domain import Purpose
from customer_auth.challenges.store import create
from customer_auth.domain import token_hash
from customer_auth.providers import flows
from customer_auth.providers.domain import Asserted, Provider
from customer_auth.providers.models import ProviderIdentity
from demo import music
from media_mp3.archives.checksums import keep_checksum
from media_mp3.loudness.models import TrackLoudness
from media_mp3.previews.models import PreviewChoice
from media_mp3.renditions.models import Rendition
from media_mp3.settings import EXTRAS, RENDITIONS
from stripe_payments.models import StripeBalance
from stripe_payments.testing import checkout_session, signed, stripe_event, stripe_settings, webhook_secret
from tests.functional.customer_auth.second_factors import enrol, protect
from tests.functional.customer_auth.shop import Shop
from tests.isolation import intruder
from tests.support.authenticator import Authenticator
from tests.unit.media_mp3 import masters, material

PASSWORD = "correct horse of "
MANY = "100000"
ISSUER = "https://id.example"
NEUTRAL_HOST = "server.example"
"""A name of the server that is no organisation's."""

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
"""The Idempotency-Key of all requests."""


@dataclass
class Side:
    """An organisation, and what belongs to it alone.

    Attributes:
        marker: a word that is in all of its texts and nowhere else.
        credentials: what goes into ``Authorization: Bearer …``, by who holds it.
        identifiers: values of path parameters and of members of bodies and queries, by their names. A name
            ``<call>.<name>`` is a value for one call only.
        short_lived: makers of such values, for values that are valid for seconds.
        link: the query of a signed link, empty without a plugin that signs any.
        link_opens: the end of the path of the call that the link opens.
    """

    id: str
    host: str
    marker: str
    credentials: dict[str, str] = field(default_factory=dict)
    identifiers: dict[str, str] = field(default_factory=dict)
    short_lived: dict[str, Callable[[], Any]] = field(default_factory=dict)
    link: dict[str, str] = field(default_factory=dict)
    link_opens: str = ""

    @property
    def secrets(self) -> set[str]:
        """Values that no answer to another caller may contain."""
        public = {"organisation_id", "format"}
        named = {name: value for name, value in self.identifiers.items() if name not in public}
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
        """Roll the block back. Only for tests that run on one connection."""
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
        _mail_links(autonomy, side)
        _link_identity(autonomy, side)
        _stock(autonomy, side)
        _reduce(autonomy, side)
        _sell(autonomy, side)
        _care(autonomy, side)
        _buy_as_guest(autonomy, side)
        _tell_of_payments(autonomy, side)
        _find_tracks(autonomy, side)
        _play(autonomy, side)
        _mail(autonomy, side)
        _staff(autonomy, side)
        _begin_uploads(autonomy, side)
    flush_all(autonomy.runtime)
    return World(autonomy, *sides)


def reopened(world: World) -> World:
    """The world with its organisations in service again, and with copies of what a test may change."""
    copies = [
        replace(
            side,
            credentials=dict(side.credentials),
            identifiers=dict(side.identifiers),
            short_lived=dict(side.short_lived),
            link=dict(side.link),
        )
        for side in (world.one, world.other)
    ]
    for side in copies:
        _put_into_service(world.autonomy, side)
    return World(world.autonomy, *copies)


def _organise(autonomy: Autonomy, side: Side) -> None:
    _put_into_service(autonomy, side)
    side.identifiers["organisation_id"] = side.id
    side.credentials["staff"] = autonomy.as_staff(side.id)["Authorization"].removeprefix("Bearer ")


def _put_into_service(autonomy: Autonomy, side: Side) -> None:
    # The stand-ins come first: purchases go to the provider that needs no other server.
    plugins = sorted(autonomy.runtime.plugins.names, key=lambda name: name != stand_ins.NAME)
    settings = {
        "stripe_payments": stripe_settings(side.id),
        "customer_auth": {
            "failed_logins_per_address": MANY,
            "mails_per_email": "1000",
            "mails_per_address": MANY,
            "providers": f"company {ISSUER} client s3cret",
        },
        "media_mp3": {"formats": "flac"},
    }
    autonomy.organisation(
        side.id,
        plugins=plugins,
        hosts=(side.host,),
        settings={name: section for name, section in settings.items() if name in plugins},
    )


def _post(
    autonomy: Autonomy, side: Side, path: str, body: dict[str, Any], who: str | None = None, **more: str
) -> Any:
    credentials = {"Authorization": f"Bearer {side.credentials[who]}"} if who else {}
    key = "".join(each for each in path if each.isalpha())
    headers = {"Idempotency-Key": f"{KEY}-{key}-{len(side.identifiers)}", "Host": NEUTRAL_HOST, **credentials}
    return autonomy.app.post_json(f"/{side.id}/api/v1/{path}", body, headers={**headers, **more}).json


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
        # The visitor's is replaced by the owner's.
        side.identifiers["into"] = side.identifiers.get("customer_id", "")
        side.identifiers |= {"customer_id": registered["customer"]["id"]}
    side.identifiers["refresh_token"] = side.credentials["refresh token"]
    if "customer_auth" in autonomy.runtime.plugins.names:
        _protect(autonomy, side)
        _give_passkeys(autonomy, side)
    headers = {"Authorization": f"Bearer {side.credentials['owner']}"}
    logins = autonomy.app.get(f"/{side.id}/api/v1/customers/sessions", headers=headers).json
    side.identifiers["login_id"] = logins["items"][0]["id"]


def _protect(autonomy: Autonomy, side: Side) -> None:
    """The visitor has an authenticator app and is in the middle of a login; the owner enrols an app."""
    shop = Shop(autonomy, side.id)
    app = protect(shop, side.credentials["visitor"])
    side.credentials["visitor"] = app.access_token
    step = shop.login(f"visitor.{side.marker}@example.org", side.identifiers["password"], 403)
    side.identifiers["complete_login.flow"] = step.json["flow"]
    side.identifiers["complete_login.code"], side.identifiers["reauthenticate.code"] = app.recovery_codes[:2]
    side.short_lived["confirm_app.code"] = enrol(shop, side.credentials["owner"]).code


def _mail_links(autonomy: Autonomy, side: Side) -> None:
    """A link of each purpose, as the worker would have mailed it to the owner."""
    email, customer_id = side.identifiers["email"], UUID(side.identifiers["customer_id"])
    calls = {
        "verify_email": Purpose.VERIFY,
        "reset_password": Purpose.RESET,
        "confirm_sign_in": Purpose.SIGN_IN,
        "open_library": Purpose.LIBRARY,
        "confirm_email_change": Purpose.CHANGE,
        "undo_email_change": Purpose.UNDO,
    }
    side.identifiers["confirm_sign_in.flow"] = f"the handle of {side.marker}"
    for call, purpose in calls.items():
        to = f"new.{email}" if purpose is Purpose.CHANGE else email
        flow = side.identifiers["confirm_sign_in.flow"] if purpose is Purpose.SIGN_IN else None
        with autonomy.scope(side.id) as scope:
            issued = create(
                scope, purpose, to, customer_id=customer_id, browser_hash=token_hash(flow) if flow else None
            )
        side.identifiers[f"{call}.token"] = issued.token


def _give_passkeys(autonomy: Autonomy, side: Side) -> None:
    """The owner has a passkey, is about to log in with it, and is about to create another one."""
    key = Authenticator(f"https://{NEUTRAL_HOST}")
    for again in (False, True):
        offered = _post(autonomy, side, "customers/passkeys/options", {}, "owner", Origin=key.origin)
        body = {"flow": offered["flow"], "name": side.marker, "credential": key.create(offered["options"])}
        if not again:
            side.identifiers["passkey_id"] = _post(autonomy, side, "customers/passkeys", body, "owner")["id"]
    asked = _post(autonomy, side, "customers/login/passkey-options", {}, Origin=key.origin)
    signature = key.get(asked["options"], key.passkeys[0])
    side.identifiers |= {"create_passkey.flow": body["flow"], "log_in_with_passkey.flow": asked["flow"]}
    side.short_lived |= {
        "create_passkey.credential": lambda: body["credential"],
        "log_in_with_passkey.credential": lambda: signature,
    }


class StandInProvider:
    """Instead of the protocol with a provider: a code is the id and the address of the customer there."""

    def login_url(self, provider: Provider, flow: flows.Flow) -> str:
        return f"{ISSUER}/login"

    def asserted(self, provider: Provider, flow: flows.Flow, code: str, iss: str | None = None) -> Asserted:
        subject, _, email = code.partition(" ")
        return Asserted(subject, email, True, None)


def _link_identity(autonomy: Autonomy, side: Side) -> None:
    """An identity of the owner at a provider, and begun logins there: to log in, and to link another one."""
    owner, known = side.identifiers["customer_id"], f"known-{side.marker}"
    with autonomy.scope(side.id) as scope:
        identity = ProviderIdentity(
            organisation_id=side.id, customer_id=UUID(owner), issuer=ISSUER, subject=known
        )
        scope.session.add(identity)
        scope.session.flush()
        side.identifiers["identity_id"] = str(identity.id)
        for call, who, subject in (
            ("finish_provider_login", None, known),
            ("link_identity", owner, f"new-{side.marker}"),
        ):
            flow = flows.begin("company", f"https://{side.host}/", who)
            side.identifiers[f"{call}.flow"] = flows.seal(scope, flow)
            side.identifiers[f"{call}.state"] = flow.state
            side.identifiers[f"{call}.code"] = f"{subject} {side.identifiers['email']}"
    for call in ("start_provider_login", "start_linking"):
        side.identifiers[f"{call}.return_url"] = f"https://{side.host}/{side.marker}"


def _stock(autonomy: Autonomy, side: Side) -> None:
    product = {"title": f"Title {side.marker}", "description": side.marker, "kind": "thing", "amount": 1200}
    side.identifiers["product_id"] = _post(autonomy, side, "admin/products", product, "staff")["id"]
    if any(call.path == "/admin/products/{product_id}/tracks" for call in calls_of_all(autonomy)):
        product["kind"] = "mp3"
        side.identifiers["product_id"] = _post(autonomy, side, "admin/products", product, "staff")["id"]
        _upload(autonomy, side)
    _show(autonomy, side)


def _upload(autonomy: Autonomy, side: Side) -> None:
    """A track whose file has been replaced twice, so that no track refers to a WAV file and to an MP3."""
    path = f"/{side.id}/api/v1/admin/products/{side.identifiers['product_id']}/tracks"
    headers = {"Authorization": f"Bearer {side.credentials['staff']}"}
    first, second = (("file", f"{side.marker}.mp3", recording(side.marker + end)) for end in ("", " again"))
    sound = masters.samples() + side.marker.encode().ljust(64)
    wav = ("file", f"{side.marker}.wav", masters.wav_with(sound))
    track = autonomy.app.post(path, headers=headers, upload_files=[wav]).json["track"]
    for replacement in (first, second):
        autonomy.app.put(f"{path}/{track['id']}/file", headers=headers, upload_files=[replacement])
    cover = ("file", "cover.png", picture(side.marker))
    autonomy.app.put(f"{path}/{track['id']}/cover", headers=headers, upload_files=[cover])
    booklet = ("file", "booklet.png", picture(side.marker))
    path = f"{path.removesuffix('tracks')}extras"
    extra = autonomy.app.post(path, {"title": side.marker}, headers=headers, upload_files=[booklet]).json
    side.identifiers["extra_id"] = extra["id"]
    (collect,) = [job for job in autonomy.runtime.jobs if job.name == "media_mp3.collect"]
    with autonomy.scope(side.id) as scope:
        _add_rendition(scope, side, UUID(track["id"]))
        _put_text(scope, EXTRAS, side, f"{side.marker} before")
    with autonomy.scope(side.id) as scope:
        collect.function(scope)


def _add_rendition(scope: TenantScope, side: Side, track_id: UUID) -> None:
    """A format of the track, as the worker writes it, and a file of one that no row refers to."""
    file = _put_text(scope, RENDITIONS, side, side.marker)
    _put_text(scope, RENDITIONS, side, f"{side.marker} before")
    values = {"state": "ready", "wanted": side.marker, "made": side.marker, "stored_at": utcnow()}
    scope.session.add(Rendition(organisation_id=side.id, track_id=track_id, format="mp3", **file, **values))
    keep_checksum(scope, file["storage_key"], zlib.crc32(side.marker.encode()))
    scope.session.add(PreviewChoice(organisation_id=side.id, track_id=track_id, mode="full"))
    scope.session.add(TrackLoudness(organisation_id=side.id, track_id=track_id, master=side.marker))
    heard = Rendition(organisation_id=side.id, track_id=track_id, format="preview:full", **file, **values)
    scope.session.add(heard)
    side.identifiers["format"] = "mp3"


def _put_text(scope: TenantScope, area: FileArea, side: Side, content: str) -> dict[str, Any]:
    """Store a text as a file, and return what a row says about it."""
    path = area.incoming(scope.server) / f"stray-{side.id}"
    path.write_text(content, "utf-8")
    digest = sha256(content.encode()).hexdigest()
    storage_of(scope, area).put_file(key := key_of(scope, area, digest), path)
    path.unlink()
    return {"storage_key": key, "sha256": digest, "size": len(content.encode())}


def _show(autonomy: Autonomy, side: Side) -> None:
    """A cover, and a file that no image refers to."""
    path = f"/{side.id}/api/v1/admin/products/{side.identifiers['product_id']}/cover"
    headers = {"Authorization": f"Bearer {side.credentials['staff']}"}
    upload = ("file", "cover.png", picture(side.marker))
    answer = autonomy.app.put(path, {"alt": side.marker}, headers=headers, upload_files=[upload]).json
    side.identifiers["digest"] = urlsplit(answer["urls"]["full"]).path.split("/")[-2]
    side.identifiers["image_file"] = "full.jpg"
    with autonomy.scope(side.id) as scope:
        side.identifiers["placeholder"] = Placeholders(scope).name(side.marker)
        _put_text(scope, IMAGES, side, side.marker)
    with autonomy.scope(side.id) as scope:
        collect_images(scope)


def _begin_uploads(autonomy: Autonomy, side: Side) -> None:
    """An upload with a part, one that has just begun, and a stored part that belongs to none."""
    with autonomy.scope(side.id) as scope:
        new = NewUpload(100, None, side.marker, None)
        upload, begun = (begin_upload(scope, new, actor=side.marker) for _ in range(2))
        side.identifiers["upload_id"] = str(begun.id)
        file = _put_text(scope, PARTS, side, f"part of {side.marker}")
        upload.received = size = file["size"]
        part = {"begins_at": 0, "size": size, "storage_key": file["storage_key"]}
        scope.session.add(UploadPart(organisation_id=side.id, upload_id=upload.id, **part))
        _put_text(scope, PARTS, side, side.marker)
    with autonomy.scope(side.id) as scope:
        collect_uploads(scope)


def picture(text: str) -> bytes:
    """A PNG whose colour follows from a text."""
    written = io.BytesIO()
    Image.new("RGB", (320, 320), colour_of_text(text)).save(written, "PNG")
    return written.getvalue()


def _reduce(autonomy: Autonomy, side: Side) -> None:
    """A bundle, and a coupon with which it is about to be bought; and a wrong code."""
    product_id = side.identifiers["product_id"]
    side.identifiers["coupon"] = side.marker
    bundle = {"title": side.marker, "kind": "bundle", "amount": 900, "item_ids": [product_id]}
    bundle |= {"pay_what_you_want": True, "other_prices": [{"currency": "usd", "amount": 1000}]}
    bundle_id = _post(autonomy, side, "admin/products", bundle, "staff")["id"]
    side.identifiers["bundle_id"] = bundle_id
    archived = _post(autonomy, side, "admin/products", {**bundle, "title": "put away"}, "staff")["id"]
    headers = {"Authorization": f"Bearer {side.credentials['staff']}"}
    path = f"/{side.id}/api/v1/admin/products/{archived}"
    autonomy.app.patch_json(path, {"archived": True}, headers=headers)
    codes = {"count": 1, "label": side.marker, "uses_per_code": 5}
    path = f"/{side.id}/api/v1/admin/products/{product_id}/codes"
    made = autonomy.app.post_json(path, codes, headers=headers)
    side.identifiers["batch_id"] = made.location.rsplit("/", 1)[-1]
    code = made.text.splitlines()[1].split(",")[0]
    for call in ("redeem_code", "redeem_code_as_guest"):
        side.identifiers[f"{call}.code"] = code
    holder = {"code": code, "email": f"{side.marker}@codes.example"}
    autonomy.app.post_json(f"/{side.id}/api/v1/codes", holder, status=201)
    coupon = {"code": side.marker, "percent_off": 50}
    side.identifiers["coupon_id"] = _post(autonomy, side, "admin/coupons", coupon, "staff")["id"]
    restricted = {"code": f"OTHER-{side.marker}", "amount_off": 50, "product_ids": [product_id]}
    _post(autonomy, side, "admin/coupons", restricted, "staff")
    path = f"/{side.id}/api/v1/customers/products/{bundle_id}/purchase"
    headers = {"Host": NEUTRAL_HOST, "Authorization": f"Bearer {side.credentials['visitor']}"}
    autonomy.app.post_json(path, {"coupon": side.marker}, headers=headers)
    autonomy.app.post_json(path, {"coupon": "WRONG"}, headers=headers, status=422)


def _buy_as_guest(autonomy: Autonomy, side: Side) -> None:
    """A purchase without an account, with a consent, and the token that shows the status of a payment."""
    consent = {"immediate_delivery": True, "acknowledged_loss_of_withdrawal": True}
    body = {
        "email": f"guest.{side.marker}@example.org",
        "consent": {**consent, "text_version": TEXT_VERSION},
    }
    _post(autonomy, side, f"products/{side.identifiers['product_id']}/purchase", body)
    with autonomy.scope(side.id) as scope:
        token = status_token(scope, UUID(side.identifiers["payment_id"]))
    side.identifiers["get_purchase_status.token"] = token


@cache
def recording(title: str) -> bytes:
    """A real MP3 file."""
    return music.tag(replace(music.PIECES[0], title=title)) + material.cbr()


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
        _book(autonomy, side, payment)
        if name == stand_ins.NAME:
            # The payment that can be refunded without another server.
            side.identifiers["payment_id"] = str(payment.id)
        else:
            side.identifiers["session_id"] = checkout.reference


def _care(autonomy: Autonomy, side: Side) -> None:
    """A note of staff about the owner, and a product that staff gave."""
    path = f"admin/customers/{side.identifiers['customer_id']}"
    _post(autonomy, side, f"{path}/notes", {"text": side.marker}, "staff")
    gift = {"product_id": str(autonomy.product(side.id, title=side.marker).id), "reason": side.marker}
    given = _post(autonomy, side, f"{path}/grants", gift, "staff")
    another = autonomy.product(side.id, title=side.marker)
    side.identifiers["give_product.product_id"] = str(another.id)
    for call in ("show_unsubscribing", "unsubscribe"):
        with autonomy.scope(side.id) as scope:
            owner = scope.session.get_one(Customer, (side.id, UUID(side.identifiers["customer_id"])))
            side.identifiers[f"{call}.token"] = unsubscribe_url(scope, owner).partition("token=")[2]
    side.identifiers["grant_id"] = given["items"][0]["id"]


def _book(autonomy: Autonomy, side: Side, payment: Payment) -> None:
    """A change of the provider's balance, a tax, and until when Stripe's balance was read."""
    change = BalanceReport(
        payment.id, f"txn_{side.marker}", BalanceKind.PAYMENT, payment.amount, 1, payment.currency, utcnow()
    )
    with autonomy.scope(side.id) as scope:
        record_balances(scope, payment.provider, [change])
        scope.add(PaymentTax(organisation_id=side.id, payment_id=payment.id, amount=1))
        if payment.provider == "stripe_payments":
            scope.add(StripeBalance(organisation_id=side.id, environment="test", read_until=utcnow()))


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
        offer = read_offer(scope, Buyer(customer.id), product.id, payment.environment)
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


def _mail(autonomy: Autonomy, side: Side) -> None:
    """A mail that was sent, and its address, which gets no more."""
    to = f"reader.{side.marker}@example.org"
    with autonomy.scope(side.id) as scope:
        mail_id = send(scope, "mail.test", to, {"title": side.marker}, once=side.marker)
        found = scope.session.get_one(MailMessage, (side.id, mail_id))
        found.status, found.finished_at, found.answer = "sent", utcnow(), side.marker
        suppress(scope, to, "by_staff", mail_id=mail_id)
    side.identifiers["mail_id"] = str(mail_id)


def _staff(autonomy: Autonomy, side: Side) -> None:
    """A member with an API key, and an invitation that the customer may accept."""
    operator = staff.Giver("cli:operator", None)
    with autonomy.scope(side.id) as scope:
        customer = register_customer(scope, f"staff.{side.marker}@example.org", side.marker)
        first = staff.invite(scope, customer.email, Role.EDITOR, operator)
        member = staff.accept(scope, customer, str(staff.new_token(scope, first.id)))
        key, _ = api_keys.issue(scope, side.marker, ["catalog.read"], actor="test", member_id=member.id)
        second = staff.invite(scope, side.identifiers["email"], Role.EDITOR, operator)
        side.identifiers["accept.token"] = str(staff.new_token(scope, second.id))
        side.identifiers |= {
            "invitation_id": str(second.id),
            "member_id": str(member.id),
            "key_id": str(key.id),
        }


def _find_tracks(autonomy: Autonomy, side: Side) -> None:
    headers = {"Authorization": f"Bearer {side.credentials['owner']}"}
    path = f"/{side.id}/api/v1/customers/products/{side.identifiers['product_id']}/tracks"
    answer = autonomy.app.get(path, headers=headers, expect_errors=True, extra_environ=UNCHECKED)
    for track in json.loads(answer.body)["items"] if answer.status_int == 200 else ():
        side.identifiers["track_id"] = track["id"]
        parts = urlsplit(track["stream_url"])
        side.link, side.link_opens = dict(parse_qsl(parts.query)), "{track_id}/stream"
        _make_feed(autonomy, side)


def _play(autonomy: Autonomy, side: Side) -> None:
    """A player of the owner, and what the owner has heard with it."""
    if "track_id" not in side.identifiers:
        return
    made = _post(autonomy, side, "customers/app-passwords", {"name": side.marker}, "owner")
    side.identifiers["app_password_id"] = made["id"]
    side.credentials["player"] = made["api_key"]
    headers = {"Authorization": f"Bearer {side.credentials['owner']}"}
    # First, since it deletes what was heard before.
    autonomy.app.delete(f"/{side.id}/api/v1/customers/history", headers=headers, status=204)
    key = {"apiKey": made["api_key"], "c": side.marker}
    song = {"id": f"tr-{side.identifiers['track_id']}"}
    for call, more in (
        ("star", song),
        ("scrobble", song),
        ("savePlayQueue", song),
        ("createPlaylist", {"name": side.marker, "songId": song["id"]}),
    ):
        answer = autonomy.app.get(f"/{side.id}/rest/{call}", {**key, **more, "f": "json"})
        assert answer.json["subsonic-response"]["status"] == "ok", answer.text
    path = f"/{side.id}/api/v1/customers/tracks/{side.identifiers['track_id']}/position"
    autonomy.app.put_json(path, {"position_ms": 1}, headers=headers, status=204)


def _make_feed(autonomy: Autonomy, side: Side) -> None:
    """A private feed of the product, and the token that opens it."""
    feed = _post(autonomy, side, f"customers/products/{side.identifiers['product_id']}/feed", {}, "owner")
    side.identifiers["feed_id"] = feed["id"]
    for call in ("get_rss", "get_playlist", "stream_from_feed"):
        side.identifiers[f"{call}.token"] = parse_qs(urlsplit(feed["rss_url"]).query)["token"][0]
