"""The API's OpenAPI description, generated from the operations and schemas of an organisation's plugins.

=============  ===========================================================================================
module         what it does
=============  ===========================================================================================
``calls``      walks the resource tree to find the paths of each operation
``security``   derives the credentials that a call needs from the operation's permission
``responses``  describes responses, including errors
``document``   builds the OpenAPI 3.1 document, cached by set of plugins and by address
``views``      ``openapi.json``, and ``docs``: Swagger UI, served by this server
=============  ===========================================================================================
"""

from __future__ import annotations

from functools import lru_cache, partial

from pyramid.config import Configurator

from autonomy_core.openapi.document import describe
from autonomy_core.openapi.views import add_assets

KEPT_DESCRIPTIONS = 256


def includeme(config: Configurator) -> None:
    """Add the description and the page that shows it."""
    config.registry.describe_api = lru_cache(KEPT_DESCRIPTIONS)(partial(describe, config.registry))
    add_assets(config)
    config.scan("autonomy_core.openapi.views")
