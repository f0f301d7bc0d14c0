"""What a plugin hands over is called by the server, which awaits no coroutine and exhausts no generator."""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

PLAIN = "write a plain function, with def and without yield; what has to wait belongs in a job"
"""What to do about a function that does not run when it is called."""


def kind_that_does_not_run(function: Any) -> str | None:
    """What a function is whose body does not run when it is called, for example ``an async function``; else None.

    It is looked at below `functools.partial`, methods, ``__call__`` and what `functools.wraps` has recorded.
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
    """Whether a call gives something to be awaited; what gives an iterable may be a generator function."""
    return (kind_that_does_not_run(function) or "").startswith("an async")


def unfinished(answer: object) -> str | None:
    """What an answer is if the work behind it has not been done, for example ``a coroutine``; else None.

    The coroutine or generator is closed.
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


def call_to_its_end(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call a function of a plugin's, and make sure that its work has been done when it returns.

    Raises:
        TypeError: it returned a coroutine or a generator: nothing of it has run.
    """
    answer = function(*arguments, **named)
    left = unfinished(answer)
    if left is not None:
        name = getattr(function, "__qualname__", repr(function))
        raise TypeError(f"{name}() returned {left}: {PLAIN}")
    return answer


def place_in(module: str, error: BaseException) -> str:
    """Where in the package of a module an exception was raised, as `` (at package.module:line)``; empty if not there."""
    package = module.partition(".")[0]
    places = [
        f"{name}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if (name := frame.f_globals.get("__name__", "")).partition(".")[0] == package
    ]
    return f" (at {places[-1]})" if places else ""


def takes(function: Callable[..., Any], count: int) -> bool:
    """Whether a function can be called with so many arguments by position; true where it cannot be told."""
    try:
        inspect.signature(function).bind(*(None,) * count)
    except TypeError:
        return False
    except ValueError:
        # Some built-in functions have no signature.
        return True
    return True


def parameters(function: Callable[..., Any]) -> set[str]:
    """The names of a function's parameters; none where they cannot be told."""
    try:
        return set(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return set()


def misfit(candidate: object, protocol: type) -> str | None:
    """Why an object cannot be used as a protocol says, for example ``has no method refund()``; None if it can."""
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
    gives_iterable = str(signature.return_annotation).startswith("Iterable")
    kind = kind_that_does_not_run(method)
    if kind is not None and (is_async(method) or not gives_iterable):
        return f"has a method {specified.__name__}() that is {kind}: {PLAIN}"
    if not takes(method, len(expected)):
        return f"has a method {specified.__name__}() that does not take {', '.join(expected)}"
    return None


def _layers(function: Any) -> Iterator[Any]:
    """A function, and what it is known to pass its calls on to."""
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
