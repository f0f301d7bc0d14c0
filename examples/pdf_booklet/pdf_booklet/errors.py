"""Why a file does not become a booklet."""

from __future__ import annotations

from autonomy_core.plugin_api.errors import InvalidInput


class NotABooklet(InvalidInput):
    """The file is not a PDF that customers can read."""

    code, title = "not_a_booklet", "The file is not a booklet"
