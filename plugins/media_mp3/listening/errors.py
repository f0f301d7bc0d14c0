"""Why a report of what was heard is refused."""

from __future__ import annotations

from typing import Any, ClassVar

from autonomy_core.plugin_api.errors import InvalidInput


def _moment(description: str) -> dict[str, Any]:
    return {
        "type": "string",
        "format": "date-time",
        "description": f"with `play_time_refused`: {description}",
    }


class PlayTimeRefused(InvalidInput):
    """A play is reported for the future, or for a day whose figures are complete."""

    code, title = "play_time_refused", "The time of the play cannot be right, or is too long ago"
    members: ClassVar = {
        "earliest": _moment("the earliest time that is accepted"),
        "latest": _moment("the latest time that is accepted, some minutes after the server's time"),
    }
