"""The language of mail templates: a small part of Jinja2, in its sandbox.

A template reads the members of JSON values, tests them, repeats a part for each item of a list, and formats a
value with one of `FILTERS`. It has no calls, no arithmetic, no assignments and no includes. So it reaches no
Python object. Its costs are the number of its repetitions and the size of its output, and both are limited.

A value never becomes a part of the Markdown text. The text gets a mark in its place, and `markup` replaces
the mark after the text was parsed. So no value can make a link, a heading or HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from types import TracebackType
from typing import Any

from babel import Locale
from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, nodes, pass_context
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from autonomy_core.formats import as_date, as_money, as_time

MOST_REPETITIONS = 2_000
"""How often the loops of a template may repeat in one rendering, all together."""

LONGEST_OUTPUT = 60_000
"""The longest rendering, in characters. Some mailboxes cut longer mails."""

OPEN, CLOSE = "\ufdd0", "\ufdd1"
"""The mark of the n-th value is ``OPEN n CLOSE``: noncharacters, which no readable text contains."""

_STATE = "the state"
"""The key of the `State` in the context. No template can spell it."""

_COUNTED = "counted items"
"""The filter around the list of each loop. No template can spell it."""

_LOOP = frozenset({"first", "index", "last", "length"})

_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.List,
    nodes.Tuple,
    nodes.Getattr,
    nodes.If,
    nodes.For,
    nodes.Filter,
    nodes.Test,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.CondExpr,
)


class TemplateProblem(Exception):
    """A template cannot be used.

    Attributes:
        message: what is wrong, without a full stop.
        line: the line of the template's file.
        remedy: what to do about it.
    """

    def __init__(self, message: str, line: int = 1, remedy: str = "correct the template") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.remedy = remedy


@dataclass(slots=True)
class State:
    """The state of one rendering.

    Attributes:
        locale: for amounts and dates.
        zone: the time zone of dates.
        literals: the values whose marks are in the output.
        repetitions: how many repetitions are left.
        size: how many characters are left.
    """

    locale: Locale
    zone: tzinfo
    literals: list[str] = field(default_factory=list)
    repetitions: int = MOST_REPETITIONS
    size: int = LONGEST_OUTPUT

    def spend(self, characters: int) -> None:
        """Count output.

        Raises:
            TemplateProblem: it is too much.
        """
        self.size -= characters
        if self.size < 0:
            raise TemplateProblem(
                f"the mail is longer than {LONGEST_OUTPUT} characters", remedy="shorten the template"
            )


class _Missing(StrictUndefined):
    """A member that does not exist: it can be tested, but not shown."""

    __slots__ = ()
    __bool__ = Undefined.__bool__  # type: ignore[assignment]


class _Environment(ImmutableSandboxedEnvironment):
    """Compiles only the nodes of `_ALLOWED`, and reads only members of JSON values."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Read a member. No attribute of a Python object is read, except some of ``loop``."""
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        if isinstance(obj, LoopContext) and attribute in _LOOP:
            return getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for node in _nodes_of(tree):
            if not isinstance(node, _ALLOWED) or (isinstance(node, nodes.For) and node.recursive):
                raise TemplateSyntaxError(
                    f"mail templates have no {type(node).__name__.lower()}", node.lineno, name, filename
                )
        for loop in list(tree.find_all(nodes.For)):
            loop.iter = nodes.Filter(loop.iter, _COUNTED, [], [], None, None, lineno=loop.lineno)
        return tree


def _nodes_of(tree: nodes.Node) -> Iterator[nodes.Node]:
    yield tree
    yield from tree.find_all(nodes.Node)


@pass_context
def _mark(context: Context, value: Any) -> Markup:
    """The mark of a value, which the template shows."""
    state: State = context[_STATE]
    if isinstance(value, bool) or not isinstance(value, str | int | float | Undefined | None):
        raise TemplateProblem("only texts and numbers can be shown", remedy="show one of its members")
    text = "" if value is None else str(value)
    state.spend(len(text))
    state.literals.append(text)
    return Markup(f"{OPEN}{len(state.literals) - 1}{CLOSE}")  # noqa: S704 - it contains no value


@pass_context
def _counted(context: Context, items: Any) -> Iterator[Any]:
    """The items of a list, counted against the limit of the rendering."""
    state: State = context[_STATE]
    if items and not isinstance(items, list | tuple):
        raise TemplateProblem("a loop needs a list", remedy="name a list after 'in'")
    for item in items or ():
        state.repetitions -= 1
        if state.repetitions < 0:
            raise TemplateProblem(
                f"its loops repeat more than {MOST_REPETITIONS} times", remedy="remove a loop"
            )
        yield item


@pass_context
def _money(context: Context, amount: Any, currency: Any) -> str:
    return as_money(amount, currency, context[_STATE].locale)


@pass_context
def _date(context: Context, moment: Any) -> str:
    state: State = context[_STATE]
    return as_date(moment, state.locale, state.zone)


@pass_context
def _time(context: Context, moment: Any) -> str:
    state: State = context[_STATE]
    return as_time(moment, state.locale, state.zone)


FILTERS: Mapping[str, Callable[..., str]] = {"money": _money, "date": _date, "time": _time}
"""``amount|money(currency)``, ``moment|date`` and ``moment|time``, in the language of the mail."""

_TESTS = ("defined", "none")


def _environment() -> _Environment:
    made = _Environment(
        autoescape=True,
        undefined=_Missing,
        finalize=_mark,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        cache_size=0,
    )
    made.globals.clear()
    made.filters = {**FILTERS, _COUNTED: _counted}
    made.tests = {name: made.tests[name] for name in _TESTS}
    return made


ENVIRONMENT = _environment()


def fill(template: Template, values: Mapping[str, Any], state: State) -> str:
    """Render a template to text with marks.

    Args:
        template: the subject or the body of a source.
        values: the values, as JSON.
        state: the state, which gets the values of the marks.

    Raises:
        TemplateProblem: the template does not suit the values, or exceeds a limit.
    """
    parts = []
    try:
        for part in template.generate({**values, _STATE: state}):
            state.spend(len(part))
            parts.append(part)
    except TemplateProblem as problem:
        problem.line = _line_of(problem.__traceback__) or problem.line
        raise
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise TemplateProblem(_described(error), _line_of(error.__traceback__) or 1) from None
    return "".join(parts)


def _described(error: Exception) -> str:
    if isinstance(error, TemplateError):
        return str(error)
    # Other messages may quote a customer's data.
    return f"a value cannot be used here ({type(error).__name__})"


def _line_of(traceback: TracebackType | None) -> int | None:
    """The line of the template where an error was raised: Jinja puts it into the traceback."""
    line = None
    while traceback is not None:
        if "__jinja_exception__" in traceback.tb_frame.f_globals:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line


def marks(text: str, literals: Sequence[str]) -> Iterable[tuple[str, bool]]:
    """Split a text at its marks.

    Args:
        text: the text.
        literals: the values of the marks.

    Yields:
        Each part, and whether it is the value of a mark.
    """
    before, *rest = text.split(OPEN)
    yield before, False
    for each in rest:
        number, _, after = each.partition(CLOSE)
        yield literals[int(number)], True
        yield after, False
