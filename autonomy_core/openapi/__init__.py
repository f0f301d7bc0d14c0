"""The API's description, made from the operations and their schemas, for what an organisation's plugins offer.

=============  =========================================================================================
module         what it does
=============  =========================================================================================
``calls``      walks the tree for the paths on which each operation can be called
``security``   tells from an operation's permission what a caller has to show
``responses``  describes answers, errors included
``document``   puts OpenAPI 3.1 together, kept per set of enabled plugins and address
``views``      ``openapi.json``, and ``docs``: Swagger UI from our own host
=============  =========================================================================================
"""

from __future__ import annotations

from functools import lru_cache, partial

from pyramid.config import Configurator

from autonomy_core.openapi.document import describe
from autonomy_core.openapi.views import add_assets

KEPT_DESCRIPTIONS = 256


def includeme(config: Configurator) -> None:
    """Offer the description and the page that shows it."""
    config.registry.describe_api = lru_cache(KEPT_DESCRIPTIONS)(partial(describe, config.registry))
    add_assets(config)
    config.scan("autonomy_core.openapi.views")
