"""The list of products, with the members of `bench.catalogue.flask_app`."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.http import Http404
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from bench.catalogue.drf_shop.models import Cover, Organisation, Price, Product

SIZES = ("120", "300", "600", "1200", "full")


class CoverSerializer(serializers.ModelSerializer):
    """A cover."""

    placeholder = serializers.SerializerMethodField()
    urls = serializers.SerializerMethodField()
    alt = serializers.SerializerMethodField()

    class Meta:
        model = Cover
        fields = ("placeholder", "urls", "width", "height", "colour", "alt")

    def get_placeholder(self, cover: Cover) -> bool:
        return False

    def get_urls(self, cover: Cover) -> dict[str, str]:
        return {size: f"{self.context['root']}/{cover.digest}/{size}" for size in SIZES}

    def get_alt(self, cover: Cover) -> str:
        return cover.alt or cover.product.title


class PriceSerializer(serializers.ModelSerializer):
    """A price in a further currency."""

    class Meta:
        model = Price
        fields = ("currency", "amount")


class ProductSerializer(serializers.ModelSerializer):
    """A product."""

    other_prices = PriceSerializer(source="prices", many=True)
    available_at = serializers.SerializerMethodField()
    purchasable = serializers.SerializerMethodField()
    cover = serializers.SerializerMethodField()
    items = serializers.SerializerMethodField()

    class Meta:
        model = Product
        fields = (
            *("id", "slug", "title", "artist", "label", "description", "kind", "amount", "currency"),
            *("pay_what_you_want", "suggested_amount", "other_prices", "release_date", "available_at"),
            *("preorder", "purchasable", "tags", "languages", "explicit", "cover", "items"),
        )

    def get_available_at(self, product: Product) -> str | None:
        return product.release_date.isoformat() if self._is_awaited(product) else None

    def get_purchasable(self, product: Product) -> bool:
        return product.preorder or not self._is_awaited(product)

    def get_cover(self, product: Product) -> dict[str, Any]:
        covers = product.covers.all()
        if not covers:
            return {"placeholder": True}
        return CoverSerializer(covers[0], context=self.context).data

    def get_items(self, product: Product) -> list[Any]:
        return []

    def _is_awaited(self, product: Product) -> bool:
        return product.release_date is not None and product.release_date > datetime.now(UTC).date()


class Products(ListAPIView):
    """``GET products``"""

    serializer_class = ProductSerializer

    def get_queryset(self) -> QuerySet[Product]:
        published = Q(published_at=None) | Q(published_at__lte=datetime.now(UTC))
        products = Product.objects.filter(published, organisation_id=self._organisation_id())
        return products.order_by("-id").prefetch_related("covers__product", "prices")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        limit = min(int(request.query_params.get("limit", 20)), 100)
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('app.organisation', %s, true)", [self._organisation_id()])
            found = [*self.get_queryset()[: limit + 1]]
        items = self.get_serializer(found[:limit], many=True).data
        return Response({"items": items, "next": items[-1]["id"] if len(found) > limit else None})

    def get_serializer_context(self) -> dict[str, Any]:
        root = self.request.build_absolute_uri("/api/v1/images")
        return {**super().get_serializer_context(), "root": root}

    def _organisation_id(self) -> str:
        try:
            return organisations()[self.request.get_host()]
        except KeyError:
            raise Http404 from None


@cache
def organisations() -> dict[str, str]:
    """Return the ids of the organisations by host."""
    return {each.host: each.id for each in Organisation.objects.all()}
