"""The client that the functional tests use: it lets no answer pass that the description does not tell of."""

import pytest
from pyramid.request import Request
from webtest.response import TestResponse

from autonomy_core.testing.conformance import UNCHECKED, DescribedApi, misfits

PRODUCT = {
    "id": "0199d1a0-0000-7000-8000-000000000000",
    "title": "A thing",
    "description": "",
    "kind": "thing",
    "amount": 1200,
    "currency": "eur",
    "items": [],
}
NOT_FOUND = {"type": "urn:autonomy:problem:not_found", "code": "not_found", "title": "No", "status": 404}


@pytest.fixture
def complaints(autonomy):
    autonomy.organisation()
    description = autonomy.app.app.registry.describe_api(("stand_ins",), "/acme/api/v1", "")
    api = DescribedApi(description.document, "/acme/api/v1")

    def complaints(path, status, body=None, method="GET", **headers):
        is_problem = status >= 400
        content_type = "application/problem+json" if is_problem else "application/json"
        response = TestResponse(status=status, content_type=content_type, json_body=body)
        response.headers.update({name.replace("_", "-"): text for name, text in headers.items()})
        return list(misfits(api, Request.blank(f"/acme/api/v1{path}", method=method), response))

    return complaints


def test_an_answer_as_described_passes(complaints):
    assert complaints("/products", 200, {"items": [PRODUCT], "next": None}) == []
    assert complaints(f"/products/{PRODUCT['id']}", 404, NOT_FOUND) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"amount": "1200"}, "'1200' is not of type 'integer'"),
        ({"id": "17"}, "'17' is not a 'uuid'"),
        ({"secret": 1}, "'secret' was unexpected"),
    ],
)
def test_a_member_that_is_not_as_described_is_complained_of(complaints, change, complaint):
    (found,) = complaints("/products", 200, {"items": [{**PRODUCT, **change}], "next": None})
    assert complaint in found


def test_a_member_that_is_missing_is_complained_of(complaints):
    assert "'next' is a required property" in complaints("/products", 200, {"items": []})[0]


def test_a_status_that_is_not_described_is_complained_of(complaints):
    assert complaints("/products", 202, {"items": [], "next": None})[0].startswith(
        "202 is not among 200, 400"
    )


def test_an_error_code_that_is_not_described_is_complained_of(complaints):
    assert complaints(f"/products/{PRODUCT['id']}", 404, {**NOT_FOUND, "code": "lost"}) != []


def test_a_path_that_is_not_described_has_to_be_refused(complaints):
    assert complaints("/secrets", 200, {}) == ["the path is not in the document"]
    assert complaints("/secrets", 404, NOT_FOUND) == []


def test_a_method_that_is_not_described_has_to_be_refused_with_the_methods_that_are(complaints):
    refusal = {**NOT_FOUND, "code": "method_not_allowed", "status": 405}
    assert complaints("/products", 200, {}, method="DELETE") == ["the method is not in the document"]
    assert complaints("/products", 405, refusal, method="DELETE", Allow="GET, HEAD") == []
    assert complaints("/products", 405, refusal, method="DELETE", Allow="GET") == [
        "Allow should be GET, HEAD"
    ]


def test_a_challenge_that_is_missing_is_complained_of(complaints):
    stranger = {**NOT_FOUND, "code": "not_authenticated", "status": 401}
    assert complaints("/customers/me", 401, stranger) == ["WWW-Authenticate is missing"]
    assert complaints("/customers/me", 401, stranger, WWW_Authenticate="Bearer") == []


def test_the_functional_tests_client_compares_what_it_gets(autonomy, monkeypatch):
    autonomy.organisation()
    monkeypatch.setattr("autonomy_core.catalog.services.on_sale", lambda: 1 / 0)
    with pytest.raises(AssertionError, match="500 is not among"):
        autonomy.app.get("/acme/api/v1/products", status=500)
    autonomy.app.get("/acme/api/v1/products", status=500, extra_environ=UNCHECKED)
