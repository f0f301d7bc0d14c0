"""What a plugin adds to the pages for people. Its views and nodes are registered by `register_views`."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from autonomy_core.kernel.hooks import hookspec

if TYPE_CHECKING:
    from autonomy_core.kernel.pages import MenuEntry, PageFiles, SlotContent


@hookspec
def register_pages() -> PageFiles:
    """The templates, static files, translations and slots of the plugin's pages.

    A template with the name of a template of the core replaces it, for organisations that have enabled the
    plugin.

    Fires: at start-up. Transaction: none. Raising: the process does not start. Twice: once per process.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> from autonomy_core.plugin_api.pages import PageFiles
        >>> @hookimpl
        ... def register_pages():
        ...     return PageFiles("bonus_track", slots={"bonus_track.below": "below the list of bonuses"})
    """


@hookspec
def register_menu() -> Sequence[MenuEntry]:
    """Links in the menus of all pages.

    Fires: at start-up. Transaction: none; `MenuEntry.shown` is called in that of a request, and must not be
    slow. Raising: the process does not start. Twice: once per process.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> from autonomy_core.plugin_api.pages import MenuEntry, _, signed_in
        >>> @hookimpl
        ... def register_menu():
        ...     return [MenuEntry("account", _("Bonuses"), ("bonuses",), shown=signed_in)]
    """


@hookspec
def register_page_slots() -> Sequence[SlotContent]:
    """What the plugin shows in the slots of other plugins' pages.

    Fires: at start-up. Transaction: none; `SlotContent.values` is called in that of a request. Raising: the
    process does not start; a content that raises is an error of the page. Twice: once per process.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> from autonomy_core.plugin_api.pages import SlotContent
        >>> @hookimpl
        ... def register_page_slots():
        ...     return [SlotContent("storefront.release", "bonus_track/hint.html")]
    """
