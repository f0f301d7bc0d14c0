"""The Django application."""

from __future__ import annotations

from django.apps import AppConfig


class Catalogue(AppConfig):
    """The catalogue."""

    name = "bench.catalogue.drf_shop"
    label = "catalogue"
