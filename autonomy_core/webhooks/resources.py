"""The endpoints of webhooks in the resource tree."""

from __future__ import annotations

from typing import ClassVar

from autonomy_core.kernel.webhooks import WebhookSource
from autonomy_core.traversal.resources import Resource


class WebhookEndpoint(Resource):
    """``/api/webhook/{source}/{organisation_id}``; each source has a subclass."""

    source: ClassVar[WebhookSource]
