"""Checks plugins' functions: the server calls them synchronously, and neither awaits nor iterates results."""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

PLAIN = "write a plain function, with def and without yield; what has to wait belongs in a job"
"""The remedy for a function whose body does not run when it is called."""


def kind_that_does_not_run(function: Any) -> str | None:
    """The kind of a function whose body does not run when it is called, for example ``an async function``.

    It looks through `functools.partial`, methods, ``__call__`` and `functools.wraps`.

    Returns:
        The kind; None for other functions.
    """
    for layer in _layers(function):
        if inspect.isasyncgenfunction(layer):
            return "an async generator function"
        if inspect.iscoroutinefunction(layer):
            return "an async function"
        if inspect.isgeneratorfunction(layer):
            return "a generator function"
    return None


def is_async(function: Any) -> bool:
    """Whether calling the function returns an awaitable or an async generator."""
    return (kind_that_does_not_run(function) or "").startswith("an async")


def unfinished(answer: object) -> str | None:
    """Describe a result whose work has not been done, for example ``a coroutine``; None for other results.

    A coroutine or generator is closed.
    """
    if inspect.isasyncgen(answer):
        return "an async generator, which nothing iterates"
    if isinstance(answer, Awaitable):
        if inspect.iscoroutine(answer):
            answer.close()
        return "a coroutine, which nothing awaits"
    if inspect.isgenerator(answer):
        answer.close()
        return "a generator, which nothing iterates"
    return None


def require_plain(what: str, function: Any, count: int) -> None:
    """Check a function that a plugin gives, and whose body has to run when the server calls it.

    Args:
        what: names the function, for the message.
        function: the function.
        count: the number of its positional arguments.

    Raises:
        TypeError: its body would not run, or it does not take so many arguments.
    """
    kind = kind_that_does_not_run(function)
    if kind is not None:
        raise TypeError(f"{what} is {kind}, whose body would never run: {PLAIN}")
    if not callable(function) or not takes(function, count):
        raise TypeError(f"{what} is {function!r}, and no function of {count} argument{'s'[: count > 1]}")


def call_to_its_end(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call a plugin's function, and check that its body has run.

    Raises:
        TypeError: it returned a coroutine or generator, so its body has not run.
    """
    answer = function(*arguments, **named)
    left = unfinished(answer)
    if left is not None:
        name = getattr(function, "__qualname__", repr(function))
        raise TypeError(f"{name}() returned {left}: {PLAIN}")
    return answer


def place_in(module: str, error: BaseException) -> str:
    """Where in a package an exception was raised, as `` (at package.module:line)``, or empty.

    Args:
        module: the name of a module of the package.
        error: the exception.
    """
    package = module.partition(".")[0]
    places = [
        f"{name}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if (name := frame.f_globals.get("__name__", "")).partition(".")[0] == package
    ]
    return f" (at {places[-1]})" if places else ""


def takes(function: Callable[..., Any], count: int) -> bool:
    """Whether a function accepts a number of positional arguments; True if its signature is unknown.

    Args:
        function: the function.
        count: the number of arguments.
    """
    try:
        inspect.signature(function).bind(*(None,) * count)
    except TypeError:
        return False
    except ValueError:
        # Some built-in functions have no signature.
        return True
    return True


def parameters(function: Callable[..., Any]) -> set[str]:
    """The names of a function's parameters; empty if its signature is unknown."""
    try:
        return set(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return set()


def misfit(candidate: object, protocol: type) -> str | None:
    """Why an object does not implement a protocol, such as ``has no method refund()``; None if it does.

    Args:
        candidate: the object.
        protocol: a class derived from `typing.Protocol`.
    """
    if isinstance(candidate, type):
        return f"is the class {candidate.__name__}; give an instance, {candidate.__name__}()"
    if "name" in protocol.__annotations__:
        name = getattr(candidate, "name", None)
        if not isinstance(name, str) or not name:
            return "has no name; give it one, a text"
    for name, specified in vars(protocol).items():
        if not name.startswith("_") and inspect.isfunction(specified):
            problem = _misfit_of_method(getattr(candidate, name, None), specified)
            if problem is not None:
                return problem
    return None


def _misfit_of_method(method: Any, specified: Callable[..., Any]) -> str | None:
    signature = inspect.signature(specified)
    # Without self.
    expected = list(signature.parameters)[1:]
    if not callable(method):
        return f"has no method {specified.__name__}({', '.join(expected)})"
    kind = kind_that_does_not_run(method)
    if kind is not None and (is_async(method) or not _may_be_generator(method, signature)):
        return f"has a method {specified.__name__}() that is {kind}: {PLAIN}"
    if not takes(method, len(expected)):
        return f"has a method {specified.__name__}() that does not take {', '.join(expected)}"
    return None


def _may_be_generator(method: Any, specified: inspect.Signature) -> bool:
    """Whether the caller runs the body of a generator function: it iterates, or it enters the context."""
    returned = str(specified.return_annotation)
    is_wrapped = hasattr(method, "__wrapped__")  # by `contextlib.contextmanager`
    return returned.startswith("Iterable") or (returned.startswith("AbstractContextManager") and is_wrapped)


def _layers(function: Any) -> Iterator[Any]:
    """Yield a function, and the functions that it wraps."""
    seen: set[int] = set()
    while function is not None and id(function) not in seen:
        seen.add(id(function))
        yield function
        if isinstance(function, functools.partial):
            function = function.func
        elif inspect.ismethod(function):
            function = function.__func__
        elif (wrapped := inspect.getattr_static(function, "__wrapped__", None)) is not None:
            function = wrapped
        elif not inspect.isroutine(function) and not isinstance(function, type):
            function = type(function).__dict__.get("__call__")
        else:
            return
