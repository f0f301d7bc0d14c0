"""Attacks over HTTP: every call, with what belongs to the other organisation.

`breaches` returns a sentence for each breach; there should be none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from webtest.response import TestResponse

from autonomy_core.openapi.calls import Call
from tests.isolation.requests import Asked, Unbuildable, ask, holders, takes_links
from tests.isolation.sides import Side, World
from tests.isolation.tables import content_of, rows_written

REFUSALS = {401, 403, 404}
UNKNOWN = {422}
"""Statuses that also refuse a foreign id in the body of an otherwise valid request."""
SIGNATURE_REFUSALS = {400}

ANSWERS_ALL_ALIKE = {
    "logout",
    "get_figures",
    "export_payments",
    "list_all_payments",
    "list_mail",
    "request_library",
    "request_reset",
    "request_sign_in",
}
"""Calls that refuse no id, because their answer reveals nothing: the list for an unknown id is empty. Their
answers and changes are compared nevertheless."""

NEED_S3 = {"begin_direct_upload", "list_missing_parts", "complete_upload"}
"""Calls that need a store of S3. Here it is a directory, and the right credentials get 409: a status that
refuses no attempt."""


@dataclass(frozen=True)
class Attempt:
    """A request that should not get through.

    Attributes:
        title: what is tried.
        spared: the organisation that it is not addressed to: nothing of it may be seen or changed.
        refusals: the statuses that refuse it; empty if it may be answered, for example because it is public.
    """

    title: str
    asked: Asked
    spared: Side
    refusals: frozenset[int]


@dataclass(frozen=True)
class Way:
    """How a call is attacked, in turn: what is common to all calls need not be tried at each in every way.

    Attributes:
        by_host: the organisation is told by the host, and not by the path.
        turn: a number, by which one of several credentials is chosen.
    """

    by_host: bool
    turn: int


def breaches(world: World, calls: list[Call] | None = None) -> list[str]:
    """Attack the calls, each organisation by means of the other: one by its path, the other by its host.

    Args:
        calls: by default every call of every plugin.
    """
    found: list[str] = []
    contents = {side.id: content_of(world.runtime, side) for side in (world.one, world.other)}
    for turn, call in enumerate(world.calls if calls is None else calls):
        for number, here in enumerate((world.one, world.other), start=turn):
            try:
                found += _breaches_of(world, call, here, Way(number % 2 == 1, number), contents)
            except Unbuildable as problem:
                found.append(f"cannot be attacked: {call.operation.method} {call.path}: {problem}")
    return found


def _breaches_of(
    world: World, call: Call, here: Side, way: Way, contents: Mapping[str, str]
) -> Iterator[str]:
    holder = working_holder(world, call, here)
    if takes_links(call):
        _require_own_link_to_work(world, call, here)
    written = rows_written(world.autonomy.database._bind)
    for attempt in attempts(call, here, world.opponent(here), holder, way):
        outcome, written = _outcome(world, attempt, contents, written)
        for breach in outcome:
            yield f"{attempt.title}: {attempt.asked} {breach}"


def working_holder(world: World, call: Call, here: Side) -> str | None:
    """Whose credentials a call takes for the organisation's own things.

    Raises:
        Unbuildable: none, so that the refusal of anything else would prove nothing.
    """
    answers = []
    for holder in holders(call):
        with world.undone():
            answer = ask(call, here, here).by(here.credentials.get(holder or "")).send(world.autonomy)
        if answer.status_int < 400 or (call.operation.id in NEED_S3 and answer.status_int == 409):
            return holder
        answers.append(f"{answer.status} {answer.body[:300]!r}")
    raise Unbuildable(f"the right credentials are refused: {'; '.join(answers)}")


def _require_own_link_to_work(world: World, call: Call, here: Side) -> None:
    # The link that was found opens one of the calls; at the others it is as good as none.
    if here.link and call.path.endswith(f"/{here.link_opens}"):
        answer = ask(call, here, here).with_link(here.link).send(world.autonomy)
        if answer.status_int >= 400:
            raise Unbuildable(f"its own link is refused: {answer.status}")


def attempts(call: Call, here: Side, there: Side, holder: str | None, way: Way) -> Iterator[Attempt]:
    """Everything that is tried on a call of ``here`` by means of ``there``."""
    if call.is_webhook:
        yield Attempt("the other's signature", ask(call, here, there), there, frozenset(SIGNATURE_REFUSALS))
        return
    yield from _with_foreign_identifiers(call, here, there, holder, way)
    yield from _at_foreign_hosts(call, here, there, holder, way)
    yield from _with_foreign_credentials(call, here, there, holder, way)
    yield from _with_foreign_links(call, here, there)


def _with_foreign_identifiers(
    call: Call, here: Side, there: Side, holder: str | None, way: Way
) -> Iterator[Attempt]:
    asked = ask(call, here, there, by_host=way.by_host)
    if not asked.identified:
        return
    refusals = frozenset(() if call.operation.id in ANSWERS_ALL_ALIKE else REFUSALS | UNKNOWN)
    own = asked.by(here.credentials.get(holder or ""))
    yield Attempt("own credentials, the other's ids", own, there, refusals)
    theirs = asked.by(there.credentials.get(holder or ""))
    yield Attempt("the other's whole request", theirs, there, refusals)


def _at_foreign_hosts(call: Call, here: Side, there: Side, holder: str | None, way: Way) -> Iterator[Attempt]:
    refused = frozenset(REFUSALS)
    side = here if way.by_host else there
    asked = ask(call, here, here).at(there.host).by(side.credentials.get(holder or ""))
    yield Attempt("the path at the other's host", asked, there, refused)
    if holder is not None:
        asked = ask(call, there, there, by_host=True).by(here.credentials[holder])
        yield Attempt("own credentials at the other's host", asked, here, refused)


def _with_foreign_credentials(
    call: Call, here: Side, there: Side, holder: str | None, way: Way
) -> Iterator[Attempt]:
    # Public calls are attacked with an invalid token too; the answer must have no foreign data.
    refusals = frozenset(REFUSALS if holder is not None else ())
    taken = [name for name in holders(call) if name is not None]
    others = sorted(there.credentials.keys() - set(taken))
    for name in [*taken, others[way.turn % len(others)]]:
        asked = ask(call, here, here, by_host=way.by_host).by(there.credentials[name])
        yield Attempt(f"the other's {name} token", asked, there, refusals)


def _with_foreign_links(call: Call, here: Side, there: Side) -> Iterator[Attempt]:
    if takes_links(call):
        refused = frozenset(REFUSALS)
        yield Attempt("the other's link", ask(call, here, here).with_link(there.link), there, refused)
        yield Attempt(
            "the other's link and ids", ask(call, here, there).with_link(there.link), there, refused
        )
        yield Attempt(
            "own link, the other's ids", ask(call, here, there).with_link(here.link), there, refused
        )
        yield Attempt("own link at the other", ask(call, there, there).with_link(here.link), here, refused)
        asked = ask(call, here, here).with_link(here.link).at(there.host)
        yield Attempt("own link at the other's host", asked, there, refused)


def _outcome(
    world: World, attempt: Attempt, contents: Mapping[str, str], written: int
) -> tuple[list[str], int]:
    """What an attempt achieves, in words, and how many rows have been written with it.

    Args:
        written: how many had been written before.
    """
    before = contents[attempt.spared.id]
    with world.undone():
        answer = attempt.asked.send(world.autonomy)
        # Most attempts write nothing, and reading everything costs more than the attempt.
        now_written = rows_written(world.autonomy.database._bind)
        after = before if now_written == written else content_of(world.runtime, attempt.spared)
    return list(_breaches_in(attempt, answer, is_changed=after != before)), now_written


def _breaches_in(attempt: Attempt, answer: TestResponse, *, is_changed: bool) -> Iterator[str]:
    if attempt.refusals and answer.status_int not in attempt.refusals:
        yield f"is answered {answer.status}"
    if answer.status_int >= 500:
        yield f"fails with {answer.status}"
    for secret in leaked(attempt.asked, answer, attempt.spared):
        yield f"tells {secret!r} of {attempt.spared.id}"
    if is_changed:
        yield f"changes rows of {attempt.spared.id}"


def leaked(asked: Asked, answer: TestResponse, spared: Side) -> list[str]:
    """The values of an organisation in an answer that were not in the request."""
    said = answer.body + str(answer.headers).encode()
    return sorted(
        secret for secret in spared.secrets if secret.encode() in said and not asked.contains(secret)
    )
