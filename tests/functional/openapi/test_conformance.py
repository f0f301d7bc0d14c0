"""The client of the functional tests reports every answer that the description does not allow."""

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
    "slug": "a-thing",
    "artist": None,
    "label": None,
    "release_date": None,
    "available_at": None,
    "part_of": None,
    "preorder": False,
    "tags": [],
    "languages": [],
    "explicit": False,
    "purchasable": True,
    "pay_what_you_want": False,
    "suggested_amount": None,
    "other_prices": [],
    "cover": {
        "placeholder": True,
        "urls": {size: f"https://a.example/{size}" for size in ("120", "300", "600", "1200", "full")},
        "width": 1200,
        "height": 1200,
        "colour": "#1a2b3c",
        "alt": "A thing",
    },
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
def test_a_member_of_another_type_is_reported(complaints, change, complaint):
    (found,) = complaints("/products", 200, {"items": [{**PRODUCT, **change}], "next": None})
    assert complaint in found


def test_a_missing_member_is_reported(complaints):
    assert "'next' is a required property" in complaints("/products", 200, {"items": []})[0]


def test_an_undescribed_status_is_reported(complaints):
    assert complaints("/products", 202, {"items": [], "next": None})[0].startswith(
        "202 is not among 200, 304"
    )


def test_an_undescribed_error_code_is_reported(complaints):
    assert complaints(f"/products/{PRODUCT['id']}", 404, {**NOT_FOUND, "code": "lost"}) != []


def test_an_undescribed_path_must_be_a_404(complaints):
    assert complaints("/secrets", 200, {}) == ["the path is not in the document"]
    assert complaints("/secrets", 404, NOT_FOUND) == []


def test_an_undescribed_method_must_be_a_405_with_the_allowed_ones(complaints):
    refusal = {**NOT_FOUND, "code": "method_not_allowed", "status": 405}
    assert complaints("/products", 200, {}, method="DELETE") == ["the method is not in the document"]
    assert complaints("/products", 405, refusal, method="DELETE", Allow="GET, HEAD") == []
    assert complaints("/products", 405, refusal, method="DELETE", Allow="GET") == [
        "Allow should be GET, HEAD"
    ]


def test_a_missing_challenge_is_reported(complaints):
    stranger = {**NOT_FOUND, "code": "not_authenticated", "status": 401}
    assert complaints("/customers/me", 401, stranger) == ["WWW-Authenticate is missing"]
    assert complaints("/customers/me", 401, stranger, WWW_Authenticate="Bearer") == []


def test_the_client_of_the_functional_tests_checks_each_answer(autonomy, monkeypatch):
    autonomy.organisation()
    monkeypatch.setattr("autonomy_core.catalog.parts.listed", lambda: 1 / 0)
    with pytest.raises(AssertionError, match="500 is not among"):
        autonomy.app.get("/acme/api/v1/products", status=500)
    autonomy.app.get("/acme/api/v1/products", status=500, extra_environ=UNCHECKED)
