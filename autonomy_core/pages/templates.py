"""Finds and compiles templates.

A template is looked up in the theme of the organisation, then in its plugins, then in the core. The compiled
code is shared: an environment for another organisation or language costs no compilation.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import CodeType
from typing import Any, Final, NamedTuple

from jinja2 import BaseLoader, Environment, StrictUndefined, Template, TemplateNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment
from sqlalchemy import MetaData
from sqlalchemy.orm import registry

from autonomy_core.kernel.pages import PageParts
from autonomy_core.pages.filters import FILTERS
from autonomy_core.tenancy.themes import TEMPLATES

SUFFIX: Final = ".html"

PREFIXES: Final[Mapping[str, int]] = {"shipped/": 1, "original/": 2}
"""``shipped/x`` is the template ``x`` without that of the theme, ``original/x`` that of its owner.

So a template can extend the one that it replaces. The numbers are those of the first layer to look at.
"""


class Source(NamedTuple):
    """The source of a template, and the name of its file for tracebacks."""

    text: str
    file: str


Layer = Mapping[str, Source]
"""Templates by name."""


def templates_in(package: str) -> Layer:
    """Read the templates of a package: the files ``templates/<directory>/<name>.html``.

    Args:
        package: the name of the package.
    """
    root = files(package).joinpath(TEMPLATES)
    directories = [each for each in root.iterdir() if each.is_dir()] if root.is_dir() else []
    return {
        f"{directory.name}/{file.name}": Source(file.read_text("utf-8"), str(file))
        for directory in directories
        for file in _templates(directory)
    }


def _templates(directory: Traversable) -> Sequence[Traversable]:
    return [each for each in directory.iterdir() if each.name.endswith(SUFFIX)]


def templates_of_theme(theme: Mapping[str, str]) -> Layer:
    """The templates among the files of a theme.

    Args:
        theme: as in `Organisation.theme`.
    """
    start = f"{TEMPLATES}/"
    return {
        name.removeprefix(start): Source(text, f"theme/{name}")
        for name, text in theme.items()
        if name.startswith(start) and name.endswith(SUFFIX)
    }


class Library:
    """The templates that the core and the plugins ship.

    Args:
        parts: what the core and the plugins have registered.
    """

    def __init__(self, parts: PageParts) -> None:
        self._by_plugin = {plugin: templates_in(each.package) for plugin, each in parts.files}

    def layers(self, plugins: Sequence[str]) -> tuple[Layer, ...]:
        """The layers below the theme: what some plugins replace, what they own, and what the core owns."""
        replaced: dict[str, Source] = {}
        owned: dict[str, Source] = {}
        for plugin in plugins:
            for name, source in self._by_plugin.get(plugin, {}).items():
                (owned if name.startswith(f"{plugin}/") else replaced).setdefault(name, source)
        return replaced, owned, self._by_plugin.get(None, {})

    def every(self) -> Mapping[str, Source]:
        """All shipped templates by name."""
        return {name: each for layer in reversed(self._by_plugin.values()) for name, each in layer.items()}


class Layers(BaseLoader):
    """Loads templates from the first layer that has them.

    Args:
        layers: the theme first, the core last.
        is_sandboxed: whether the templates are compiled for the sandbox.
    """

    def __init__(self, layers: Sequence[Layer], *, is_sandboxed: bool) -> None:
        self._layers = layers
        self._is_sandboxed = is_sandboxed

    def load(
        self, environment: Environment, name: str, globals: MutableMapping[str, Any] | None = None
    ) -> Template:
        """Return a template of an environment. Jinja2 calls this once for each name."""
        source = self._find(name)
        code = code_of(source.text, name, source.file, is_sandboxed=self._is_sandboxed)
        return environment.template_class.from_code(environment, code, globals or {})

    def _find(self, name: str) -> Source:
        first = 0
        for prefix, layer in PREFIXES.items():
            if name.startswith(prefix):
                name, first = name.removeprefix(prefix), layer
        for each in self._layers[first:]:
            if name in each:
                return each[name]
        raise TemplateNotFound(name)


class Sandbox(ImmutableSandboxedEnvironment):
    """Runs the templates of themes.

    Values may be rows. From a row, SQLAlchemy leads to what all organisations of the process share.
    """

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether a template may read an attribute. Jinja2 calls this."""
        is_shared = isinstance(value, MetaData | registry)
        return super().is_safe_attribute(obj, attr, value) and not is_shared


def make_environment(layers: Sequence[Layer], **globals_: Any) -> Environment:
    """Make an environment. If the first layer, the theme, has templates, all templates run in the sandbox.

    Args:
        layers: the theme first, the core last.
        globals_: what all templates know.
    """
    is_sandboxed = bool(layers[0])
    made = _environment(Layers(layers, is_sandboxed=is_sandboxed), is_sandboxed=is_sandboxed)
    made.globals.update(globals_)
    return made


def _environment(loader: BaseLoader | None, *, is_sandboxed: bool) -> Environment:
    made = (Sandbox if is_sandboxed else Environment)(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    made.policies["ext.i18n.trimmed"] = True
    made.filters.update(FILTERS)
    return made


_COMPILERS: Final = {each: _environment(None, is_sandboxed=each) for each in (False, True)}


@lru_cache(maxsize=2048)
def code_of(text: str, name: str, file: str, *, is_sandboxed: bool) -> CodeType:
    """Compile a template.

    Args:
        text: its source.
        name: its name.
        file: for tracebacks.
        is_sandboxed: whether it is for the sandbox.

    Raises:
        TemplateSyntaxError: it has an error.
    """
    return _COMPILERS[is_sandboxed].compile(text, name, file)
