"""Registers the core's top nodes."""

from __future__ import annotations

from pyramid.config import Configurator

from autonomy_core.traversal.resources import Api, ApiV1, OrganisationApi, Root, Webhooks


def includeme(config: Configurator) -> None:
    """Add the nodes that are the parents of all others."""
    config.add_child(Root, "api", Api)
    config.add_child(Api, "v1", ApiV1)
    config.add_child(Api, "webhook", Webhooks)
    config.add_child(OrganisationApi, "v1", ApiV1)
