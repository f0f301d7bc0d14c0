"""Collects what the core and the plugins register for pages, and checks it at the start."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from babel.messages.pofile import PoFileError
from jinja2 import TemplateError

from autonomy_core.kernel.manager import PluginError, Plugins
from autonomy_core.kernel.pages import PageFiles, PageParts
from autonomy_core.pages.catalogues import catalogues_in
from autonomy_core.pages.templates import code_of, templates_in

CORE = PageFiles("autonomy_core.pages")


def parts_of(plugins: Plugins) -> PageParts:
    """Return what the core and the plugins have registered.

    Args:
        plugins: the installed plugins.

    Raises:
        PluginError: a package or a slot does not exist.
    """
    files: list[tuple[str, PageFiles]] = plugins.registered("register_pages")
    for plugin, each in files:
        for problem in _problems_of_names(plugin, each):
            raise PluginError(f"plugin {plugin}: {problem}")
    menu = [(plugin, each) for plugin, found in plugins.registered("register_menu") for each in found]
    contents = [
        (plugin, each) for plugin, found in plugins.registered("register_page_slots") for each in found
    ]
    slots = {slot for _, each in files for slot in each.slots}
    for plugin, content in contents:
        if content.slot.partition(".")[0] in plugins.names and content.slot not in slots:
            raise PluginError(f"plugin {plugin}: it fills the slot {content.slot!r}, which does not exist")
    return PageParts(
        files=((None, CORE), *files),
        menu=tuple(sorted(menu, key=lambda each: each[1].order)),
        contents=tuple(sorted(contents, key=lambda each: each[1].order)),
    )


def check_files(parts: PageParts) -> None:
    """Compile all templates, and read all catalogues, so that no request finds that this is impossible.

    Raises:
        PluginError: a template or a catalogue cannot be read, or a template of a slot is missing.
    """
    for plugin, each in parts.files:
        try:
            for name, source in templates_in(each.package).items():
                code_of(source.text, name, source.file, is_sandboxed=False)
            catalogues_in(each.package)
        except (TemplateError, PoFileError, ValueError) as error:
            raise PluginError(
                f"plugin {plugin}: a template or a catalogue cannot be read: {error}"
            ) from error
    names = {(plugin, name) for plugin, each in parts.files for name in templates_in(each.package)}
    for plugin, content in parts.contents:
        if (plugin, content.template) not in names:
            raise PluginError(f"plugin {plugin}: it has no template {content.template!r}")


def _problems_of_names(plugin: str, each: PageFiles) -> Iterator[str]:
    try:
        is_there = find_spec(each.package) is not None
    except ImportError:
        is_there = False
    if not is_there:
        yield f"its pages name the package {each.package!r}, which cannot be imported"
        return
    for slot in each.slots:
        if not slot.startswith(f"{plugin}."):
            yield f"its slot {slot!r} must be called {plugin}.…"
