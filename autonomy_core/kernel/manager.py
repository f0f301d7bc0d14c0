"""Finds plugins by their entry points, once per process. Each organisation enables some of them.

`kernel.hookspecs.registrations` and the modules beside it list what a plugin may register.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pluggy

from autonomy_core.callables import PLAIN, kind_that_does_not_run, place_in
from autonomy_core.kernel import hookspecs
from autonomy_core.kernel.answers import problem_with
from autonomy_core.kernel.hooks import ENTRY_POINT_GROUP, PROJECT
from autonomy_core.kernel.version import API_VERSION
from autonomy_core.tenancy.validation import did_you_mean

HOOKS = frozenset(name for name in vars(hookspecs) if name.startswith(("register_", "on_")))
"""The names of all hooks."""


class PluginError(Exception):
    """A plugin cannot be loaded or misbehaves. The message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Implementation:
    """One plugin's implementation of one hook."""

    plugin: str
    hook: str
    function: Callable[..., Any]
    arguments: tuple[str, ...]

    def __call__(self, **arguments: Any) -> Any:
        """Call the implementation with the arguments that it takes.

        Args:
            arguments: all arguments of the hook.

        Raises:
            PluginError: the result has a wrong type, for example a coroutine.
        """
        answer = self.function(**{name: arguments[name] for name in self.arguments})
        problem = problem_with(self.hook, answer)
        if problem is not None:
            raise PluginError(f"plugin {self.plugin}: {self.hook}() {problem}")
        return answer

    def failed(self, error: BaseException) -> PluginError:
        """The error that names the plugin and the hook that raised."""
        place = place_in(self.function.__module__, error)
        return PluginError(
            f"plugin {self.plugin}: {self.hook}() raised {type(error).__name__}: {error}{place}"
        )


class Plugins:
    """The plugins of this process.

    Args:
        modules: by plugin name, the module that contains its implementations.
    """

    def __init__(self, modules: Mapping[str, ModuleType]) -> None:
        self.manager = pluggy.PluginManager(PROJECT)
        self.manager.add_hookspecs(hookspecs)
        # pluggy calls the last registered plugin first. Register in reverse, to call in the order of names.
        for name in sorted(modules, reverse=True):
            self._register(name, modules[name])
        self.modules = dict(modules)
        self.names: tuple[str, ...] = tuple(sorted(modules))
        self.packages: dict[str, str] = {_package_of(modules[name]): name for name in self.names}
        self._hooks: dict[tuple[str, ...], TenantHooks] = {}

    def _register(self, name: str, module: ModuleType) -> None:
        if (unmet := _unmet_minimum(module)) is not None:
            raise PluginError(f"plugin {name}: {unmet}")
        for problem in _problems_of_markers(module):
            raise PluginError(f"plugin {name}: {problem}")
        try:
            self.manager.register(module, name)
            self.manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise PluginError(f"plugin {name}: {error}") from error
        for problem in _unusable_hooks(self.manager, name, module):
            raise PluginError(f"plugin {name}: {problem}")

    @classmethod
    def from_entry_points(cls, only: Iterable[str] | None = None) -> Plugins:
        """Load the plugins of the installed distributions.

        Args:
            only: the names of the plugins to load; None loads all.

        Raises:
            PluginError: a plugin or its models cannot be imported, two plugins have the same name, or one
                of ``only`` is missing.
        """
        found: dict[str, ModuleType] = {}
        wanted = None if only is None else set(only)
        for entry_point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
            if wanted is not None and entry_point.name not in wanted:
                continue
            if entry_point.name in found:
                raise PluginError(
                    f"plugin {entry_point.name}: two installed distributions offer it; remove one."
                )
            found[entry_point.name] = _load(entry_point)
        if wanted is not None and (missing := wanted - found.keys()):
            raise PluginError(f"plugin {', '.join(sorted(missing))}: not installed.")
        return cls(found)

    @classmethod
    def sound(cls) -> tuple[Plugins, dict[str, str]]:
        """The installed plugins that can be loaded, and by name the problems of the others."""
        modules: dict[str, ModuleType] = {}
        broken: dict[str, str] = {}
        for name in sorted(
            {found.name for found in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)}
        ):
            try:
                loaded = cls.from_entry_points([name])
                loaded.registered("register_settings")
            except PluginError as error:
                broken[name] = str(error).removeprefix(f"plugin {name}: ")
            else:
                modules |= loaded.modules
        return cls(modules), broken

    def only(self, *names: str) -> Plugins:
        """A new object with some of these plugins."""
        return Plugins({name: self.modules[name] for name in names})

    def registered(self, hook: str, **arguments: Any) -> list[tuple[str, Any]]:
        """Call a ``register_…`` hook.

        Args:
            hook: the name of the hook.
            arguments: its arguments.

        Returns:
            Pairs of plugin name and result, in the order of names.

        Raises:
            PluginError: a plugin's hook raised, or its result has a wrong type.
        """
        answers = []
        for found in self.implementations(hook):
            try:
                answers.append((found.plugin, found(**arguments)))
            except PluginError:
                raise
            except (Exception, SystemExit) as error:
                raise found.failed(error) from error
        return answers

    def offered(
        self, hook: str, what: str, *, taken: Iterable[str] = (), prefixed: bool = True
    ) -> list[tuple[str, Any]]:
        """Call a ``register_…`` hook whose result is a sequence of named objects.

        Args:
            hook: the name of the hook.
            what: what it registers, for error messages.
            taken: names that the core uses.
            prefixed: whether names must have the plugin's name as prefix.

        Returns:
            Pairs of plugin name and object.

        Raises:
            PluginError: a name is used already, or does not have the prefix.
        """
        owners = dict.fromkeys(taken, "the core")
        found = []
        for plugin, things in self.registered(hook):
            for thing in things:
                if thing.name in owners:
                    other = owners[thing.name]
                    raise PluginError(
                        f"plugin {plugin}: its {what} {thing.name!r} has the name of one of {other}'s"
                    )
                if prefixed and not thing.name.startswith(f"{plugin}."):
                    raise PluginError(f"plugin {plugin}: its {what} {thing.name!r} must be called {plugin}.…")
                owners[thing.name] = f"plugin {plugin}"
                found.append((plugin, thing))
        return found

    def implementations(self, hook: str) -> list[Implementation]:
        """The implementations of a hook by all plugins, enabled or not, in the order of names."""
        return _implementations(self.manager, hook, ())

    def of_package(self, package: str | None) -> str | None:
        """The name of the plugin that contains a package; None for the core."""
        while package:
            if package in self.packages:
                return self.packages[package]
            package = package.rpartition(".")[0]
        return None

    def hooks_for(self, enabled: tuple[str, ...]) -> TenantHooks:
        """The hooks for organisations with exactly these enabled plugins. The result is cached."""
        if enabled not in self._hooks:
            self._hooks[enabled] = TenantHooks(self, enabled)
        return self._hooks[enabled]


class TenantHooks:
    """The hooks of one set of enabled plugins. Implementations are looked up at first use."""

    def __init__(self, plugins: Plugins, enabled: tuple[str, ...]) -> None:
        self._plugins = plugins
        self._disabled = tuple(name for name in plugins.names if name not in enabled)
        self._implementations: dict[str, tuple[Implementation, ...]] = {}
        self.enabled = enabled

    def implementations(self, hook: str) -> tuple[Implementation, ...]:
        """The implementations of a hook by enabled plugins, in the order of names."""
        if hook not in self._implementations:
            self._implementations[hook] = tuple(_implementations(self._plugins.manager, hook, self._disabled))
        return self._implementations[hook]

    def call(self, hook: str, event: Any) -> None:
        """Call all implementations of an ``on_…`` hook. An exception ends the call and is passed on."""
        for implementation in self.implementations(hook):
            implementation(event=event)


def _implementations(
    manager: pluggy.PluginManager, hook: str, disabled: tuple[str, ...]
) -> list[Implementation]:
    caller = manager.subset_hook_caller(hook, [manager.get_plugin(name) for name in disabled])
    return [
        Implementation(implementation.plugin_name, hook, implementation.function, implementation.argnames)
        for implementation in reversed(caller.get_hookimpls())
    ]


def _unmet_minimum(module: ModuleType) -> str | None:
    """Why this server does not provide the API version that a plugin requires; None if it does."""
    wanted = vars(module).get("MINIMUM_API", API_VERSION)
    is_version = isinstance(wanted, tuple) and len(wanted) == 2 and all(type(part) is int for part in wanted)
    if not is_version:
        return f"MINIMUM_API = {wanted!r}; write two numbers, for example {API_VERSION}"
    if wanted[0] == API_VERSION[0] and wanted <= API_VERSION:
        return None
    needed, here = (".".join(map(str, version)) for version in (wanted, API_VERSION))
    which = "newer" if wanted > API_VERSION else "older"
    return (
        f"it needs version {needed} of the plugin API, and this server has {here}: install a version of the "
        f"plugin that is made for {here}, or a{'n' if which == 'older' else ''} {which} autonomy-server"
    )


def _problems_of_markers(module: ModuleType) -> Iterator[str]:
    """Errors in markers that pluggy reports with a misleading message, or not at all."""
    for attribute, value in vars(module).items():
        options = getattr(value, f"{PROJECT}_impl", None) if inspect.isroutine(value) else None
        if not options:
            continue
        hook = options["specname"] or attribute
        if hook not in HOOKS:
            yield (
                f"{value.__name__}() is marked with @hookimpl, and no hook is called {hook!r}: "
                f"{did_you_mean(hook, HOOKS)}"
            )
        if options["wrapper"] or options["hookwrapper"]:
            yield (
                f"{value.__name__}() wraps the other plugins' implementations, which are called one by one "
                "and not through it: write @hookimpl without wrapper and hookwrapper, and no yield"
            )


def _unusable_hooks(manager: pluggy.PluginManager, name: str, module: ModuleType) -> Iterator[str]:
    """Implementations that pluggy accepts, but that would not run or would lack arguments."""
    for caller in manager.get_hookcallers(module) or ():
        for implementation in caller.get_hookimpls():
            if implementation.plugin_name == name and (problem := _why_unusable(implementation, caller)):
                yield f"{implementation.function.__name__}() {problem}"
    for attribute, value in vars(module).items():
        is_marked = inspect.getattr_static(value, f"{PROJECT}_impl", None) is not None
        if is_marked and not isinstance(value, staticmethod | classmethod) and not inspect.isroutine(value):
            yield (
                f"{attribute} is marked with @hookimpl and is a {type(value).__name__}, "
                "which is never called: mark a function"
            )


def _why_unusable(implementation: pluggy.HookImpl, caller: pluggy.HookCaller) -> str | None:
    kind = kind_that_does_not_run(implementation.function)
    if kind is not None:
        return f"is {kind}, whose body would never run: {PLAIN}"
    offered = caller.spec.argnames if caller.spec is not None else ()
    for parameter in inspect.signature(implementation.function).parameters.values():
        if parameter.name in offered and parameter.name not in implementation.argnames:
            arguments = ", ".join(offered)
            return f"would never be given {parameter.name}: write ({arguments}), without a default or a *"
    return None


def _package_of(module: ModuleType) -> str:
    return module.__name__ if hasattr(module, "__path__") else module.__name__.rpartition(".")[0]


def _load(entry_point: importlib.metadata.EntryPoint) -> ModuleType:
    try:
        module = entry_point.load()
    except (Exception, SystemExit) as error:
        raise _not_importable(entry_point, entry_point.value, error) from error
    if not isinstance(module, ModuleType):
        raise PluginError(f"plugin {entry_point.name}: {entry_point.value} must name a module.")
    _load_models(entry_point, module)
    return module


def _load_models(entry_point: importlib.metadata.EntryPoint, module: ModuleType) -> None:
    """Import the plugin's models, so that the metadata has all its tables, whatever its modules import."""
    package = _package_of(module)
    name = f"{package}.models"
    try:
        if package and importlib.util.find_spec(name) is not None:
            importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise _not_importable(entry_point, name, error) from error


def _not_importable(
    entry_point: importlib.metadata.EntryPoint, name: str, error: BaseException
) -> PluginError:
    return PluginError(
        f"plugin {entry_point.name}: {name} cannot be imported: "
        f"{type(error).__name__}: {error}{place_in(entry_point.module, error)}"
    )
