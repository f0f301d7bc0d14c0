"""The application to compare with: a short hand-written one with Flask, SQLAlchemy and the Stripe SDK.

It has one organisation and one Stripe account.

- A purchase: a signed token identifies the customer, who may not own the product yet. The payment is
committed before
  the request for a checkout session, which has an idempotency key, so that a crash loses none. Then the
  session is recorded.
- A webhook: it verifies with ``construct_event``, accepts one of several deliveries of an event, locks the
payment,
  checks amount and currency, completes the payment once and grants the product.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import stripe
from flask import Flask, abort, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import ForeignKey, UniqueConstraint, create_engine, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

API_VERSION = "2026-10-28.endive"
SITE = "https://shop.example"
TOKEN_LIFE_S = 3600

# Telemetry would write a file to the home directory and send data about the machine.
stripe.enable_telemetry = False


def now() -> datetime:
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """The base of the models."""


class Product(Base):
    """A product."""

    __tablename__ = "products"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str]


class Customer(Base):
    """A customer."""

    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)


class Payment(Base):
    """A payment of a customer."""

    __tablename__ = "payments"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey(Customer.id))
    product_id: Mapped[int] = mapped_column(ForeignKey(Product.id))
    session_id: Mapped[str | None] = mapped_column(unique=True)
    status: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str]
    completed_at: Mapped[datetime | None]


class Grant(Base):
    """A customer's right to a product."""

    __tablename__ = "grants"
    __table_args__ = (UniqueConstraint("payment_id", "product_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey(Payment.id))
    customer_id: Mapped[int] = mapped_column(ForeignKey(Customer.id), index=True)
    product_id: Mapped[int] = mapped_column(ForeignKey(Product.id))
    granted_at: Mapped[datetime] = mapped_column(default=now)


class StripeEvent(Base):
    """An event that was handled."""

    __tablename__ = "stripe_events"
    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(default=now)


def complete_payment(session: Session, checkout: stripe.checkout.Session) -> None:
    payment = session.scalars(
        select(Payment).where(Payment.session_id == checkout.id).with_for_update()
    ).one_or_none()
    if payment is None or (payment.amount, payment.currency) != (checkout.amount_total, checkout.currency):
        abort(400, "no such payment")
    if payment.status == "pending":
        payment.status = "completed"
        payment.completed_at = now()
        session.add(
            Grant(payment_id=payment.id, customer_id=payment.customer_id, product_id=payment.product_id)
        )


def open_payment(session: Session, customer_id: int, product_id: int) -> tuple[int, dict[str, Any]]:
    """Create the payment; return its id, and the parameters of the checkout session."""
    customer, product = session.get(Customer, customer_id), session.get(Product, product_id)
    if customer is None or product is None:
        abort(404)
    if session.scalar(select(Grant.id).filter_by(customer_id=customer_id, product_id=product_id)):
        abort(409, "you own it")
    payment = Payment(
        customer_id=customer_id,
        product_id=product_id,
        status="pending",
        amount=product.amount,
        currency=product.currency,
    )
    session.add(payment)
    session.flush()
    price = {
        "currency": product.currency,
        "unit_amount": product.amount,
        "product_data": {"name": product.title},
    }
    metadata = {"payment_id": str(payment.id)}
    return payment.id, {
        "mode": "payment",
        "line_items": [{"price_data": price, "quantity": 1}],
        "client_reference_id": str(payment.id),
        "customer_email": customer.email,
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "success_url": f"{SITE}/thanks",
        "cancel_url": f"{SITE}/cancelled",
    }


def tokens() -> URLSafeTimedSerializer:
    """Return the signer of the customers' tokens; the environment contains ``TOKEN_SECRET``."""
    return URLSafeTimedSerializer(os.environ["TOKEN_SECRET"])


def create_app() -> Flask:
    """Build the application.

    The environment contains ``DATABASE_URL``, ``POOL_SIZE``, ``WEBHOOK_SECRET``, ``TOKEN_SECRET``,
    ``STRIPE_KEY``, and ``STRIPE_URL``, the URL of Stripe's API.
    """
    app = Flask(__name__)
    engine = create_engine(os.environ["DATABASE_URL"], pool_size=int(os.environ["POOL_SIZE"]))
    app.extensions["engine"] = engine
    sessions = sessionmaker(engine)
    secret = os.environ["WEBHOOK_SECRET"]
    customers = tokens()
    api = stripe.StripeClient(
        os.environ["STRIPE_KEY"],
        stripe_version=API_VERSION,
        base_addresses={"api": os.environ["STRIPE_URL"]},
        max_network_retries=2,
    )

    @app.post("/products/<int:product_id>/purchase")
    def purchase(product_id: int) -> tuple[dict[str, Any], int]:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            customer_id = customers.loads(token, max_age=TOKEN_LIFE_S)
        except BadSignature:
            abort(401)
        with sessions.begin() as session:
            payment_id, order = open_payment(session, customer_id, product_id)
        parameters: Any = order
        try:
            checkout = api.v1.checkout.sessions.create(
                parameters, {"idempotency_key": f"checkout-{payment_id}"}
            )
        except stripe.StripeError:
            abort(503)
        with sessions.begin() as session:
            session.execute(update(Payment).where(Payment.id == payment_id).values(session_id=checkout.id))
        return {"payment_id": payment_id, "checkout_url": checkout.url}, 201

    @app.post("/webhook")
    def webhook() -> tuple[str, int]:
        try:
            event = stripe.Webhook.construct_event(
                request.get_data(), request.headers.get("Stripe-Signature", ""), secret
            )
        except (ValueError, stripe.SignatureVerificationError):
            abort(400)
        with sessions.begin() as session:
            new = session.scalar(
                insert(StripeEvent)
                .values(id=event.id, type=event.type)
                .on_conflict_do_nothing()
                .returning(StripeEvent.id)
            )
            checkout = event.data.object
            if new and event.type == "checkout.session.completed" and checkout.payment_status != "unpaid":
                complete_payment(session, checkout)
        return "", 200

    return app
