"""Why a file does not become an extra."""

from __future__ import annotations

from typing import ClassVar

from autonomy_core.plugin_api.errors import Conflict, InvalidInput
from autonomy_core.plugin_api.schemas import findings_member


class ExtraRefused(InvalidInput):
    """The file is of no kind that comes with a product, or it is damaged."""

    code, title = "extra_refused", "The file cannot come with a product"
    members: ClassVar = {"findings": findings_member("extra_refused")}


class ExtraExists(Conflict):
    """The product has an extra with exactly these bytes."""

    code, title = "extra_exists", "The product has this very file already"
    members: ClassVar = {
        "extra_id": {
            "type": "string",
            "format": "uuid",
            "description": "with `extra_exists`: the extra it is",
        }
    }


class TooManyExtras(Conflict):
    """The product has as many extras as it may have."""

    code, title = "too_many_extras", "The product has too many extras"
