"""What the core's features and plugins register for pages: files, slots, entries of menus, and messages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autonomy_core.kernel.identity import Identity
    from autonomy_core.kernel.scope import TenantScope

_SLOT = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_SEGMENT = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class Message:
    """A text for people that is translated where it is shown.

    Attributes:
        text: in English; it may contain ``%(name)s``.
        values: what replaces these.
    """

    text: str
    values: Mapping[str, Any] = field(default_factory=dict)


def _(text: str, **values: Any) -> Message:
    """Mark a text for people. ``autonomy texts`` collects the literals in these calls.

    Args:
        text: in English; it may contain ``%(name)s``.
        values: what replaces these.
    """
    return Message(text, values)


@dataclass(frozen=True, slots=True)
class PageFiles:
    """The directories of a package that belong to its pages; each may be missing.

    ================  ==================================================================================
    ``templates/``    a template ``templates/<plugin>/x.html`` is called ``<plugin>/x.html``
    ``static/``       ``static("<plugin>", "x.css")`` in a template is the URL of ``static/x.css``
    ``locale/``       ``de.po``: the translations of the package's texts
    ================  ==================================================================================

    Attributes:
        package: the name of the package.
        slots: the places in these templates that other plugins can fill, ``<plugin>.<place>``, each with a
            description of the place and of the values that contents get.
        sign_in: the path of the page where visitors log in; None if the plugin has none.
        sign_out: the path to which the form is sent that ends a login; likewise.
    """

    package: str
    slots: Mapping[str, str] = field(default_factory=dict)
    sign_in: str | None = None
    sign_out: str | None = None

    def __post_init__(self) -> None:
        for name in self.slots:
            if not _SLOT.fullmatch(name):
                raise ValueError(f"PageFiles: the slot {name!r} has to be called <plugin>.<place>")


Condition = Callable[["TenantScope", "Identity | None"], bool]
"""Whether an entry of a menu is shown, in the transaction of the request."""


def always(scope: TenantScope, identity: Identity | None) -> bool:
    """Show an entry to all visitors."""
    return True


def signed_in(scope: TenantScope, identity: Identity | None) -> bool:
    """Show an entry to customers who are logged in."""
    return identity is not None


def signed_out(scope: TenantScope, identity: Identity | None) -> bool:
    """Show an entry to visitors who are not logged in."""
    return identity is None


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """A link in a menu.

    Attributes:
        place: ``main``, ``account`` or ``footer``; a plugin's pages may have others.
        title: what the link says.
        path: the segments of the page's path, such as ``("library",)``; empty for the first page.
        order: entries are sorted by it, and then by the name of the plugin.
        shown: whether a visitor sees it.
    """

    place: str
    title: Message
    path: tuple[str, ...] = ()
    order: int = 100
    shown: Condition = always

    def __post_init__(self) -> None:
        if wrong := [each for each in self.path if not _SEGMENT.fullmatch(each)]:
            raise ValueError(f"MenuEntry: {wrong[0]!r} is no segment of a path")


SlotValues = Callable[["TenantScope", Mapping[str, Any]], "Mapping[str, Any] | None"]
"""Takes the scope and the values of the slot. Returns the template's values, or None to show nothing."""


def same_values(scope: TenantScope, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give a template the values of the slot."""
    return values


@dataclass(frozen=True, slots=True)
class SlotContent:
    """What a plugin shows in a slot of another plugin's page.

    Attributes:
        slot: the name of the slot.
        template: the name of the plugin's template, without ``extends``.
        values: makes the values of the template.
        order: contents of a slot are sorted by it, and then by the name of the plugin.
    """

    slot: str
    template: str
    values: SlotValues = same_values
    order: int = 100


@dataclass(frozen=True, slots=True)
class PageParts:
    """What the core and the plugins have registered for pages, each with its plugin; None for the core.

    Attributes:
        files: in the order of precedence.
        menu: in the order of the menus.
        contents: in the order of the slots.
    """

    files: tuple[tuple[str | None, PageFiles], ...] = ()
    menu: tuple[tuple[str | None, MenuEntry], ...] = ()
    contents: tuple[tuple[str, SlotContent], ...] = ()
