"""Every call of every plugin, made as it should be but for one value that is made to break it.

Each answer has to be as the API describes it: `ConformingApp` lets no crash and no undescribed refusal pass.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import zip_longest
from typing import Any
from urllib.parse import urlencode

from webtest import TestRequest

from autonomy_core.openapi.calls import Call
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
PARAMETERS = ("", "%00", "%ff", "%ED%A0%80", "9" * 30, "NaN", UNKNOWN_ID, "1;2")
BODIES = (
    b"null",
    b"{",
    b'{"": 1}',
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

ENDING: Mapping[str, tuple[str, ...]] = {
    "Authorization": (
        "Bearer",
        "Basic Og==",
        "Bearer \x80",
        "Bearer a.b.c",
        "Bearer ak__",
        f"Bearer ak_+{'0' * 31}_x",
    ),
    "Idempotency-Key": ("", "\x80", "x" * 256),
    "Content-Type": (
        "",
        "application/json; charset=utf-16",
        "multipart/form-data; boundary=",
        "text/plain; charset=\x80",
    ),
}
"""Sent one at a time, because what is wrong with one may end a request."""

SIGNATURES = ("", "t=,v1=", f"t={'9' * 5000},v1=a", "t=1_0,v1=\x80", ",,,===")
"""Sent to webhooks. Other calls read no signature."""


def test_every_answer_to_hostile_values_is_as_described(world: World) -> None:
    found: list[str] = []
    for call in world.calls:
        here = world.one
        base = ask(call, here, here).by(here.credentials.get(working_holder(world, call, here) or ""))
        for title, asked in hostile(call, base):
            with world.undone():
                try:
                    answer = world.autonomy.app.do_request(request_of(asked), expect_errors=True)
                except Exception as error:  # noqa: BLE001 - whatever the application lets out is a finding
                    found.append(f"{call.operation.id}, {title}: {error}")
                    continue
            if answer.status_int == 500:
                found.append(f"{call.operation.id}, {title}: {answer.body!r}")
    assert found == []


def hostile(call: Call, base: Asked) -> Iterator[tuple[str, Asked]]:
    """The request with one thing wrong at a time, each with what it is."""
    yield from _hostile_headers(call, base)
    yield from _hostile_queries(call, base)
    if call.operation.body is not None and base.body is not None:
        for body in BODIES:
            yield f"the body {body[:20]!r}", replace(base, body=body)
        yield from _hostile_members(call, base)


def _hostile_headers(call: Call, base: Asked) -> Iterator[tuple[str, Asked]]:
    sent = dict(base.headers or {})
    for values in zip_longest(*HEADERS.values()):
        headers = {name: value for name, value in zip(HEADERS, values, strict=True) if value is not None}
        yield f"headers {headers}", replace(base, headers={**sent, **headers})
    ending = {**ENDING, "Stripe-Signature": SIGNATURES} if call.is_webhook else ENDING
    for name, alternatives in ending.items():
        for value in alternatives:
            yield f"{name}: {value[:40]}", replace(base, headers={**sent, name: value})


def _hostile_queries(call: Call, base: Asked) -> Iterator[tuple[str, Asked]]:
    known = list(call.operation.query().load_fields) if call.operation.query else []
    for name in [*known, "unheard-of"]:
        rest = {key: value for key, value in (base.query or {}).items() if key != name}
        for value in PARAMETERS:
            query = f"{urlencode(rest)}&{name}={value}".lstrip("&")
            yield f"?{name}={value}", replace(base, path=f"{base.path}?{query}", query=None)


def _hostile_members(call: Call, base: Asked) -> Iterator[tuple[str, Asked]]:
    sent = json.loads(base.body or b"{}")
    for name in call.operation.body().load_fields if call.operation.body else ():
        for value in MEMBERS:
            body = json.dumps({**sent, name: value}).encode()
            yield f"{name} = {str(value)[:40]!r}", replace(base, body=body)


def request_of(asked: Asked) -> TestRequest:
    """The request, whose answer is compared with the description."""
    url = asked.path + (f"?{urlencode(asked.query)}" if asked.query else "")
    headers = {"Host": asked.host, **(asked.headers or {})}
    return TestRequest.blank(url, method=asked.method, body=asked.body or b"", headers=headers)
