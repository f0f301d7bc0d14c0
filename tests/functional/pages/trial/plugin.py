"""A plugin with a page, a form, an entry of a menu and a content for another plugin's slot.

It imports only the public API.
"""

from __future__ import annotations

from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.pages import MenuEntry, PageFiles, SlotContent, _, signed_in
from autonomy_core.plugin_api.resources import Site
from tests.functional.pages.trial.resources import Guestbook


@hookimpl
def register_views(config):
    config.add_child(Site, "guestbook", Guestbook)
    config.scan("tests.functional.pages.trial.views")


@hookimpl
def register_pages():
    return PageFiles("tests.functional.pages.trial", sign_in="enter", sign_out="leave")


@hookimpl
def register_menu():
    return [
        MenuEntry("main", _("Guestbook"), ("guestbook",)),
        MenuEntry("account", _("Your entries"), ("guestbook", "own"), shown=signed_in),
    ]


@hookimpl
def register_page_slots():
    return [
        SlotContent("host.below", "trial/below.html", lambda scope, values: {"count": values["count"] + 1})
    ]
