"""The shop's tables: those of `bench.flask_app` without the events, which dj-stripe stores."""

from __future__ import annotations

from django.db import models


class Product(models.Model):
    """A product."""

    title = models.TextField()

    class Meta:
        db_table = "products"


class Customer(models.Model):
    """A customer."""

    email = models.TextField(unique=True)

    class Meta:
        db_table = "customers"


class Payment(models.Model):
    """A payment of a customer."""

    customer = models.ForeignKey(Customer, models.PROTECT)
    product = models.ForeignKey(Product, models.PROTECT)
    session_id = models.TextField(unique=True)
    status = models.TextField()
    amount = models.IntegerField()
    currency = models.TextField()
    completed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "payments"


class Grant(models.Model):
    """A customer's right to a product."""

    payment = models.ForeignKey(Payment, models.PROTECT)
    customer = models.ForeignKey(Customer, models.PROTECT)
    product = models.ForeignKey(Product, models.PROTECT)
    granted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "grants"
        constraints = [models.UniqueConstraint(fields=["payment", "product"], name="one_grant")]
