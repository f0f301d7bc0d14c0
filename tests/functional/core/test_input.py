"""What is sent: read strictly, refused with a code, and never with a traceback."""

import json

import pytest

from autonomy_core.plugin_api.operations import MAX_JSON_BYTES

ECHO = "/acme/api/v1/trials/echo"
JSON = {"Content-Type": "application/json"}


def refused(acme, body, status, headers=JSON):
    statuses = status if isinstance(status, tuple) else (status,)
    answer = acme.app.post(ECHO, body, headers=headers, expect_errors=True)
    assert answer.status_int in statuses, answer
    assert answer.content_type == "application/problem+json"
    return answer.json


def test_what_is_valid_arrives(acme):
    sent = {"text": "naïve ♫", "number": 3, "truth": False}
    assert acme.app.post_json(ECHO, sent).json == sent


@pytest.mark.parametrize("body", [b"{", b"{'text': 1}", b"\xff\xfe{", b"[" * 60_000, b'{"text": "\xff"}'])
def test_what_is_not_json_is_malformed(acme, body):
    assert refused(acme, body, 400)["code"] == "malformed_request"


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"null", b"true"])
def test_what_is_no_object_is_invalid(acme, body):
    assert refused(acme, body, 422)["detail"] == "The body must be a JSON object."


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\ud800"])
def test_characters_that_cannot_be_stored_are_invalid(acme, text):
    assert "cannot be stored" in refused(acme, json.dumps({"text": text}), 422)["detail"]
    assert "cannot be stored" in refused(acme, json.dumps({"text": "", text: 1}), 422)["detail"]


@pytest.mark.parametrize("depth", [400, 600, 800])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"x": ', "}")])
def test_what_is_nested_deeply_is_invalid_like_anything_else_of_the_wrong_type(acme, opening, closing, depth):
    nested = opening * depth + "1" + closing * depth
    assert refused(acme, f'{{"text": {nested}}}', (400, 422))["code"] in (
        "invalid_input",
        "malformed_request",
    )


def test_a_member_that_is_missing_or_unknown_is_named(acme):
    errors = refused(acme, json.dumps({"txet": "typo"}), 422)["errors"]["body"]
    assert errors == {"text": ["Missing data for required field."], "txet": ["Unknown field."]}


@pytest.mark.parametrize(
    "wrong", [{"number": "3"}, {"number": 3.5}, {"number": True}, {"truth": 0}, {"truth": "no"}, {"text": 1}]
)
def test_a_value_of_another_type_is_invalid(acme, wrong):
    errors = refused(acme, json.dumps({"text": "", **wrong}), 422)["errors"]["body"]
    assert list(errors) == list(wrong)


def test_a_number_without_a_fraction_is_whole_however_it_is_written(acme):
    assert acme.app.post_json(ECHO, {"text": "", "number": 3.0}).json["number"] == 3


def test_a_body_that_is_too_large_is_refused_whether_it_says_its_size_or_not(acme):
    body = json.dumps({"text": "x" * MAX_JSON_BYTES}).encode()
    assert refused(acme, body, 413)["code"] == "too_large"


def test_a_body_of_another_type_is_refused(acme):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert refused(acme, b"text=1", 415, form)["code"] == "unsupported_media_type"


def test_no_body_is_an_empty_object(acme):
    assert "text" in refused(acme, b"", 422)["errors"]["body"]
    assert "text" in refused(acme, b"", 422, {"Content-Type": "text/plain"})["errors"]["body"]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=ten", "limit=", "cursor=1", "cursor="])
def test_a_query_that_is_not_valid_is_refused_by_name(acme, query):
    problem = acme.app.get(f"/acme/api/v1/products?{query}", status=422).json
    assert list(problem["errors"]["query"]) == [query.partition("=")[0]]


def test_a_query_field_that_nobody_knows_is_overlooked(acme):
    acme.app.get("/acme/api/v1/products?utm_source=letter")


@pytest.mark.parametrize("name", ["forgets", "chatters", "waits", "yields"])
def test_a_view_that_returns_what_it_does_not_declare_is_an_error_and_no_empty_answer(acme, name):
    answer = acme.app.get(f"/acme/api/v1/trials/{name}", status=500)
    assert answer.json["code"] == "internal_error"
