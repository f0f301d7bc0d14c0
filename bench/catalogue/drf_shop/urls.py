"""The URL of the list."""

from __future__ import annotations

from django.urls import path

from bench.catalogue.drf_shop.views import Products

urlpatterns = [path("api/v1/products", Products.as_view())]
