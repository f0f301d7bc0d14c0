"""Methods: a 405 lists the allowed ones, and HEAD is GET without the body."""

import pytest


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/products", "GET, HEAD"),
        ("OPTIONS", "/trials", "GET, HEAD"),
        ("GET", "/trials/echo", "POST"),
        ("PUT", "/openapi.json", "GET, HEAD"),
    ],
)
def test_an_unsupported_method_is_a_405_with_the_allowed_ones(acme, method, path, allowed):
    answer = acme.app.request(f"/acme/api/v1{path}", method=method, status=405)
    assert answer.headers["Allow"] == allowed
    assert answer.json["code"] == "method_not_allowed"
    assert answer.json["allow"] == allowed.split(", ")


def test_head_answers_as_get_does_without_the_body(acme):
    got = acme.app.get("/acme/api/v1/products")
    asked = acme.app.head("/acme/api/v1/products")
    assert asked.body == b""
    assert asked.content_length == got.content_length
    assert asked.content_type == got.content_type


def test_head_of_an_unknown_path_is_404(acme):
    assert acme.app.head("/acme/api/v1/nothing", status=404).body == b""


def test_a_wrong_method_without_credentials_is_a_401(acme):
    acme.app.delete("/acme/api/v1/admin/products", status=401)
