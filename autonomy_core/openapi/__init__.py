"""The API's description, made from the operations and their schemas, for what an organisation's plugins offer."""

from __future__ import annotations

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    """Nothing yet."""
