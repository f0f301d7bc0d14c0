"""Input is read strictly and refused with a code, never with a traceback."""

import json
from urllib.parse import unquote
from uuid import UUID

import pytest

from autonomy_core.testing.conformance import UNCHECKED
from autonomy_core.web.reading import MAX_JSON_BYTES, TWICE

ECHO = "/acme/api/v1/trials/echo"
JSON = {"Content-Type": "application/json"}


def refused(acme, body, status, headers=JSON):
    statuses = status if isinstance(status, tuple) else (status,)
    answer = acme.app.post(ECHO, body, headers=headers, expect_errors=True)
    assert answer.status_int in statuses, answer
    assert answer.content_type == "application/problem+json"
    return answer.json


def test_valid_input_reaches_the_view(acme):
    sent = {"text": "naïve ♫", "number": 3, "truth": False}
    assert acme.app.post_json(ECHO, sent).json == sent


NO_JSON = [
    b"{",
    b"{'text': 1}",
    b"\xff\xfe{",
    b"[" * 60_000,
    b'{"text": "\xff"}',
    b'{"number": NaN}',
    b'{"number": -Infinity}',
    b'{"number": 01}',
    b'{"number": %s}' % (b"9" * 5000),
    '{"text": ""}'.encode("utf-8-sig"),
    '{"text": ""}'.encode("utf-16"),
    '{"text": ""}'.encode("utf-32-be"),
]


@pytest.mark.parametrize("body", NO_JSON, ids=range(len(NO_JSON)))
def test_a_body_that_is_not_json_is_malformed(acme, body):
    assert refused(acme, body, 400)["code"] == "malformed_request"


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"null", b"true"])
def test_a_body_that_is_no_object_is_invalid(acme, body):
    assert refused(acme, body, 422)["detail"] == "The body must be a JSON object."


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\ud800"])
def test_characters_that_cannot_be_stored_are_invalid(acme, text):
    answer = refused(acme, json.dumps({"text": [text], "number": 1}), 422)
    assert "cannot be stored" in answer["detail"]
    assert [*answer["errors"]["body"]] == ["text"]
    answer = refused(acme, json.dumps({"text": "", text: 1}), 422)
    assert "cannot be stored" in answer["detail"]
    assert [*answer["errors"]["body"]] == ["_schema"]


@pytest.mark.parametrize("depth", [400, 600, 800])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"x": ', "}")])
def test_deeply_nested_json_is_refused_without_a_crash(acme, opening, closing, depth):
    nested = opening * depth + "1" + closing * depth
    assert refused(acme, f'{{"text": {nested}}}', (400, 422))["code"] in (
        "invalid_input",
        "malformed_request",
    )


def test_a_member_that_is_missing_or_unknown_is_named(acme):
    errors = refused(acme, json.dumps({"txet": "typo"}), 422)["errors"]["body"]
    assert errors == {"text": ["Missing data for required field."], "txet": ["Unknown field."]}


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"text": "a", "text": "b"}', "text"),
        (b'{"text": "a", "\\u0074ext": "a"}', "text"),
        (b'{"text": "", "number": {"deep": 1, "deep": 1}}', "deep"),
        (b'{"x": 1, "x": 1, "text": ""}', "x"),
    ],
)
def test_a_repeated_member_is_refused_by_name(acme, body, name):
    assert refused(acme, body, 422)["errors"]["body"] == {name: [TWICE]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": "3"},
        {"number": 3.5},
        {"number": True},
        {"number": 2**53},
        {"number": 1e300},
        {"number": [1]},
        {"truth": 0},
        {"truth": "no"},
        {"text": 1},
        {"id": 1},
        {"id": "0199d1a0000070008000000000000000"},
        {"id": "{0199d1a0-0000-7000-8000-000000000000}"},
        {"id": "urn:uuid:0199d1a0-0000-7000-8000-000000000000"},
        {"id": "+199d1a0-0000-7000-8000-000000000000"},
        {"id": "\u0660\u0661\u0669\u0669d1a0-0000-7000-8000-000000000000"},
        {"moment": 1},
        {"moment": "2026-01-01"},
        {"moment": "20260101T000000Z"},
        {"moment": "2026-W01-1T00:00:00Z"},
        {"moment": "2026-01-01T00:00:00"},
        {"moment": "\u0662\u0660\u0662\u0666-01-01T00:00:00Z"},
    ],
    ids=str,
)
def test_a_value_of_another_type_is_invalid(acme, wrong):
    errors = refused(acme, json.dumps({"text": "", **wrong}), 422)["errors"]["body"]
    assert list(errors) == list(wrong)


def test_any_spelling_of_a_whole_number_is_an_integer(acme):
    assert acme.app.post_json(ECHO, {"text": "", "number": 3.0}).json["number"] == 3


def test_a_body_that_is_too_large_is_refused(acme):
    body = json.dumps({"text": "x" * MAX_JSON_BYTES}).encode()
    assert refused(acme, body, 413)["code"] == "too_large"


def test_a_body_of_another_type_is_refused(acme):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert refused(acme, b"text=1", 415, form)["code"] == "unsupported_media_type"


def test_no_body_is_an_empty_object(acme):
    assert "text" in refused(acme, b"", 422)["errors"]["body"]
    assert "text" in refused(acme, b"", 422, {"Content-Type": "text/plain"})["errors"]["body"]


QUERIES = ["limit=0", "limit=101", "limit=ten", "limit=", "limit", "cursor=1", "cursor="]
OTHER_SPELLINGS = [
    "limit=1_0",
    "limit=%2B1",
    "limit=+1",
    "limit=%D9%A9",
    "limit=007",
    "limit=1.0",
    "limit=%201",
    "limit=0x10",
]
NOT_KNOWN = ["utm_source=letter", "limits=1", "LIMIT=1", "limit%5B%5D=1", "status=completed", "=1"]


@pytest.mark.parametrize("query", [*QUERIES, *OTHER_SPELLINGS, *NOT_KNOWN])
def test_a_query_that_is_not_valid_is_refused_by_name(acme, query):
    problem = acme.app.get(f"/acme/api/v1/products?{query}", status=422).json
    assert list(problem["errors"]["query"]) == [unquote(query.partition("=")[0])]


@pytest.mark.parametrize("name", ["forgets", "chatters", "waits", "yields"])
def test_an_undeclared_answer_of_a_view_is_an_internal_error(acme, name):
    answer = acme.app.get(f"/acme/api/v1/trials/{name}", status=500, extra_environ=UNCHECKED)
    assert answer.json["code"] == "internal_error"


@pytest.mark.parametrize(
    "query", ["limit=1&limit=2", "limit=1&limit=1", "limit=1&limit=", "limit=1&%6Cimit=2"]
)
def test_a_repeated_parameter_is_refused_by_name(acme, query):
    problem = acme.app.get(f"/acme/api/v1/products?{query}", status=422).json
    assert problem["errors"]["query"] == {"limit": [TWICE]}


def test_a_list_parameter_may_be_repeated(acme):
    numbers = acme.app.get("/acme/api/v1/trials/list?number=1&number=2").json
    assert numbers == {"number": [1, 2]}
    assert acme.app.get("/acme/api/v1/trials/list?number=1").json == {"number": [1]}
    problem = acme.app.get("/acme/api/v1/trials/list?number=1&number=1_0", status=422).json
    assert list(problem["errors"]["query"]["number"]) == ["1"]


@pytest.mark.parametrize("path", ["trials", "trials/private", f"products/{UUID(int=7)}", "customers/me"])
def test_a_call_that_takes_no_query_refuses_one(acme, path):
    answer = acme.app.get(f"/acme/api/v1/{path}?limit=1", expect_errors=True)
    assert answer.status_int in (401, 404, 422)
    assert answer.status_int != 422 or list(answer.json["errors"]["query"]) == ["limit"]


@pytest.mark.parametrize("path", ["docs", "openapi.json", ""])
def test_a_page_ignores_tracking_parameters(acme, path):
    answer = acme.app.get(f"/acme/api/v1/{path}?utm_source=letter&fbclid=1&fbclid=2")
    assert answer.status_int in (200, 303)


def test_thousands_of_unknown_names_are_refused(acme):
    many = "&".join(f"a{number % 3000}" for number in range(6000))
    assert len(acme.app.get(f"/acme/api/v1/products?{many}", status=422).json["errors"]["query"]) == 3000
    members = ", ".join(f'"a{number % 3000}": 1' for number in range(5000))
    assert len(refused(acme, f"{{{members}}}", 422)["errors"]["body"]) == 2000
