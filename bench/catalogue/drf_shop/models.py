"""The tables of `bench.catalogue.flask_app`."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Organisation(models.Model):
    """A shop."""

    id = models.TextField(primary_key=True)
    host = models.TextField(unique=True)

    class Meta:
        managed = False
        db_table = "organisations"


class Product(models.Model):
    """A product."""

    pk = models.CompositePrimaryKey("organisation_id", "id")
    organisation_id = models.TextField()
    id = models.IntegerField()
    slug = models.TextField()
    title = models.TextField()
    artist = models.TextField(null=True)
    label = models.TextField(null=True)
    description = models.TextField()
    kind = models.TextField()
    amount = models.IntegerField()
    currency = models.TextField()
    pay_what_you_want = models.BooleanField()
    suggested_amount = models.IntegerField(null=True)
    release_date = models.DateField(null=True)
    preorder = models.BooleanField()
    tags = ArrayField(models.TextField())
    languages = ArrayField(models.TextField())
    explicit = models.BooleanField()
    published_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "products"


def _product(name: str) -> models.ForeignObject:
    return models.ForeignObject(
        Product,
        models.DO_NOTHING,
        from_fields=["organisation_id", "product_id"],
        to_fields=["organisation_id", "id"],
        related_name=name,
    )


class Cover(models.Model):
    """The cover of a product."""

    pk = models.CompositePrimaryKey("organisation_id", "product_id")
    organisation_id = models.TextField()
    product_id = models.IntegerField()
    product = _product("covers")
    digest = models.TextField()
    width = models.IntegerField()
    height = models.IntegerField()
    colour = models.TextField()
    alt = models.TextField(null=True)

    class Meta:
        managed = False
        db_table = "covers"


class Price(models.Model):
    """A price in a further currency."""

    pk = models.CompositePrimaryKey("organisation_id", "product_id", "currency")
    organisation_id = models.TextField()
    product_id = models.IntegerField()
    product = _product("prices")
    currency = models.TextField()
    amount = models.IntegerField()

    class Meta:
        managed = False
        db_table = "prices"
