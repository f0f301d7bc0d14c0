"""Every call of every plugin, made as it should be but for one value that is made to break it.

Each answer has to be as the API describes it: `ConformingApp` lets no crash and no undescribed refusal pass.

Every value that a call's own code gets is sent to that call. What is refused before, by code that all calls
share, is sent to every call together with others like it, or to some of the calls, in turn.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any
from urllib.parse import urlencode

from pyramid.request import Request
from webtest import TestRequest

from autonomy_core.errors import InvalidInput
from autonomy_core.openapi.calls import Call
from autonomy_core.web.reading import load_body, load_query
from tests.isolation.http_attacks import working_holder
from tests.isolation.requests import Asked, ask
from tests.isolation.sides import World

UNKNOWN_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"

MEMBERS: tuple[Any, ...] = (
    *(None, True, 0, -1, 1e300, 2**63, 10**30),
    *("", "\u200b", "a\u202eb", "\u0300" * 500, "x" * 6000, "'; --", UNKNOWN_ID),
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2030-01-01T00:00:00+99:99"),
    *("http://[::1", "https://acme.example:99999/", "//acme.example/", "a@[127.0.0.1]"),
    *([], [None], [UNKNOWN_ID] * 2, {"a": {"a": {}}}),
)
PARAMETERS = ("", "9" * 30, "NaN", UNKNOWN_ID, "1;2")
UNREADABLE = ("%00", "%ff", "%ED%A0%80")
"""Of a query with such a value, no parameter is read."""

UNKNOWN_MEMBER = b'{"": 1}'
BODIES = (
    b"null",
    b"{",
    b'{"a": "\\ud800"}',
    b"\xff",
    b"[" * 60_000,
    b'{"a": ' + b"9" * 5000 + b"}",
)

DATES = (
    *("x", "Mon, 01 Jan 99999 00:00:00 GMT", "Sat, 01 Jan 0001 00:00:00 +2359"),
    *("Fri, 31 Dec 9999 23:59:59 -2359", "Thu, 1 Jan 1970 00:00:00 +99999999999999999999"),
)
HEADERS: Mapping[str, tuple[str, ...]] = {
    "Range": ("bytes=-", "bytes=--1", f"bytes=0-{'9' * 5000}", "bytes=5-2", "bytes=0-0,1-1", "\x80"),
    "If-Modified-Since": DATES,
    "If-Unmodified-Since": DATES[::-1],
    "If-Range": ('"', *DATES),
    "If-None-Match": ('"', "*", 'W/"x', ",,,", "\x80"),
    "If-Match": ("*", '"', "\x80"),
    "Origin": ("http://[::1", "http://acme.example:port", "\x80", "null"),
    "X-Request-ID": ("\x80", "x" * 5000, "a\tb"),
    "X-Forwarded-For": ("1.2.3.4.5, ::", "\x80"),
    "Accept": ("*/*;q=x", "\x80"),
    "Cookie": ("a=\x80", "=" * 4000),
}
"""Sent together, the first of each, then the second: none of them ends a request."""

CREDENTIALS = (
    "Bearer",
    "Basic Og==",
    "Bearer \x80",
    "Bearer a.b.c",
    "Bearer ak__",
    f"Bearer ak_+{'0' * 31}_x",
)
KEYS = ("", "\x80", "x" * 256)
"""Of ``Idempotency-Key``."""
CONTENT_TYPES = (
    "",
    "application/json; charset=utf-16",
    "multipart/form-data; boundary=",
    "text/plain; charset=\x80",
)
"""These are sent one at a time, because what is wrong with one may end a request."""

SIGNATURES = ("", "t=,v1=", f"t={'9' * 5000},v1=a", "t=1_0,v1=\x80", ",,,===")
"""Sent to webhooks. Other calls read no signature."""


def test_every_answer_to_hostile_values_is_as_described(world: World) -> None:
    found: list[str] = []
    for turn, call in enumerate(world.calls):
        here = world.one
        base = ask(call, here, here).by(here.credentials.get(working_holder(world, call, here) or ""))
        for title, asked in hostile(call, base, turn):
            with world.undone():
                try:
                    answer = world.autonomy.app.do_request(request_of(asked), expect_errors=True)
                except Exception as error:  # noqa: BLE001 - whatever the application lets out is a finding
                    found.append(f"{call.operation.id}, {title}: {error}")
                    continue
            if answer.status_int == 500:
                found.append(f"{call.operation.id}, {title}: {answer.body!r}")
    assert found == []


def in_turn(values: Sequence[Any], turn: int, count: int = 1) -> list[Any]:
    """Some of the values, the next ones at each turn."""
    return [values[(turn * count + number) % len(values)] for number in range(count)]


def hostile(call: Call, base: Asked, turn: int) -> Iterator[tuple[str, Asked]]:
    """The request with something wrong, each with what it is."""
    yield from _hostile_headers(call, base, turn)
    yield from _hostile_queries(call, base, turn)
    if call.operation.body is not None and base.body is not None:
        for body in (UNKNOWN_MEMBER, *in_turn(BODIES, turn, 2)):
            yield f"the body {body[:20]!r}", replace(base, body=body)
        yield from _hostile_members(call.operation.body, base)


def _hostile_headers(call: Call, base: Asked, turn: int) -> Iterator[tuple[str, Asked]]:
    sent = dict(base.headers or {})
    rows = list(zip_longest(*HEADERS.values()))
    # Most of them are about what is read.
    for values in rows if call.operation.method == "GET" else in_turn(rows, turn, 2):
        headers = {name: value for name, value in zip(HEADERS, values, strict=True) if value is not None}
        yield f"headers {headers}", replace(base, headers={**sent, **headers})
    of_webhooks = SIGNATURES if call.is_webhook else ()
    of_bodies = CONTENT_TYPES if base.body is not None else in_turn(CONTENT_TYPES, turn)
    for name, alternatives in (
        ("Authorization", in_turn(CREDENTIALS, turn)),
        ("Idempotency-Key", in_turn(KEYS, turn)),
        ("Content-Type", of_bodies),
        ("Stripe-Signature", of_webhooks),
    ):
        for value in alternatives:
            yield f"{name}: {value[:40]}", replace(base, headers={**sent, name: value})


def _hostile_queries(call: Call, base: Asked, turn: int) -> Iterator[tuple[str, Asked]]:
    schema = call.operation.query
    values = dict.fromkeys(schema().load_fields if schema else (), PARAMETERS)

    def url_of(changes: Mapping[str, str]) -> str:
        rest = {key: value for key, value in (base.query or {}).items() if key not in changes}
        query = "&".join([urlencode(rest), *(f"{name}={value}" for name, value in changes.items())])
        return f"{base.path}?{query.lstrip('&')}"

    def refusal(changes: Mapping[str, str]) -> str | None:
        return refused(load_query, Request.blank(url_of(changes)), schema)

    unread = [{"unheard-of": value} for value in in_turn((*UNREADABLE, *PARAMETERS), turn, 2)]
    for changes in [*unread, *each_effect(values, refusal)]:
        yield f"query {changes}", replace(base, path=url_of(changes), query=None)


def _hostile_members(schema: Any, base: Asked) -> Iterator[tuple[str, Asked]]:
    sent = json.loads(base.body or b"{}")

    def body_of(changes: Mapping[str, Any]) -> bytes:
        return json.dumps({**sent, **changes}).encode()

    def refusal(changes: Mapping[str, Any]) -> str | None:
        request = Request.blank("/", method="POST", content_type="application/json", body=body_of(changes))
        return refused(load_body, request, schema)

    for changes in each_effect(dict.fromkeys(schema().load_fields, MEMBERS), refusal):
        yield f"members {str(changes)[:100]}", replace(base, body=body_of(changes))


def each_effect(
    values: Mapping[str, Sequence[Any]], refusal: Callable[[Mapping[str, Any]], str | None]
) -> Iterator[dict[str, Any]]:
    """The changes of an input by which every effect of each value is seen.

    A value that the input may have is alone in its change. Of the values of one name that are refused with
    the same words, the first is sent, together with one of each other name: all are named in the answer.

    Args:
        values: the values that each name is to have.
        refusal: the words with which an input with such a change is refused.
    """
    refusals: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, alternatives in values.items():
        for value in alternatives:
            if (words := refusal({name: value})) is None:
                yield {name: value}
            else:
                refusals[name].setdefault(words, value)
    absent = object()
    for row in zip_longest(*(found.values() for found in refusals.values()), fillvalue=absent):
        yield {name: value for name, value in zip(refusals, row, strict=True) if value is not absent}


def refused(load: Callable[[Request, Any], Any], request: Request, schema: Any) -> str | None:
    """The words with which an input is refused before the call's own code; None if it is not refused so."""
    try:
        load(request, schema)
    except InvalidInput as refusal:
        return f"{refusal} {refusal.extra}"
    except Exception:  # noqa: BLE001 - it is sent, and what the application lets out is a finding
        return None
    return None


def request_of(asked: Asked) -> TestRequest:
    """The request, whose answer is compared with the description."""
    url = asked.path + (f"?{urlencode(asked.query)}" if asked.query else "")
    headers = {"Host": asked.host, **(asked.headers or {})}
    return TestRequest.blank(url, method=asked.method, body=asked.body or b"", headers=headers)
