"""A plugin with a slot. It is in the package of the other trial plugin, whose templates it uses."""

from __future__ import annotations

from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.pages import PageFiles


@hookimpl
def register_pages():
    return PageFiles("autonomy_core.audit", slots={"host.below": "below everything; `count` is a number"})
