"""The application to compare with: the shortest good one, by hand, with Flask, SQLAlchemy and the Stripe SDK.

One organisation, one Stripe account. It verifies with ``construct_event``, lets one of several deliveries of an event
through, locks the payment, checks amount and currency, completes it once and grants the product.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime

import stripe
from flask import Flask, abort, request
from sqlalchemy import ForeignKey, UniqueConstraint, create_engine, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker


def now() -> datetime:
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """The base of the models."""


class Product(Base):
    """What is sold."""

    __tablename__ = "products"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str]


class Customer(Base):
    """Who buys."""

    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)


class Payment(Base):
    """What a customer owes, or has paid."""

    __tablename__ = "payments"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey(Customer.id))
    product_id: Mapped[int] = mapped_column(ForeignKey(Product.id))
    session_id: Mapped[str] = mapped_column(unique=True)
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


def create_app() -> Flask:
    """Make the application; the environment has ``DATABASE_URL``, ``WEBHOOK_SECRET`` and ``POOL_SIZE``."""
    app = Flask(__name__)
    engine = create_engine(os.environ["DATABASE_URL"], pool_size=int(os.environ["POOL_SIZE"]))
    app.extensions["engine"] = engine
    sessions = sessionmaker(engine)
    secret = os.environ["WEBHOOK_SECRET"]

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
