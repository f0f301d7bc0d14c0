"""The target of a request is unambiguous: one host, and no encoded slash in the path."""

import pytest

PRODUCTS = "/acme/api/v1/products"


@pytest.mark.parametrize(
    "host", ["", "acme.example,other.example", "acme.example, acme.example", "a b", "a/b", "ä"]
)
def test_a_request_without_exactly_one_host_is_refused(acme, host):
    answer = acme.app.get(PRODUCTS, headers={"Host": host}, status=400)
    assert answer.content_type == "application/problem+json"
    assert answer.json["code"] == "malformed_request"


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:6543", "127.0.0.1:80", "[::1]:6543", "a_b.example", "a.example:"]
)
def test_a_host_is_accepted_in_every_valid_spelling(acme, host):
    assert acme.app.get(PRODUCTS, headers={"Host": host}).status_int == 200


def test_a_refused_host_is_readable_across_origins(acme):
    origin = "https://acme.example"
    headers = {"Host": "", "Origin": origin}
    answer = acme.app.get(PRODUCTS, headers=headers, status=400)
    assert answer.headers["Access-Control-Allow-Origin"] == origin


@pytest.mark.parametrize("target", ["/acme/api/v1%2Fproducts", "/acme%2f/api/v1/products"])
@pytest.mark.parametrize("name", ["REQUEST_URI", "RAW_URI"])
def test_an_encoded_slash_in_the_path_is_a_404(acme, name, target):
    answer = acme.app.get(PRODUCTS, extra_environ={name: target, "autonomy.unchecked": True}, status=404)
    assert answer.json["code"] == "not_found"


def test_an_encoded_slash_in_the_query_is_accepted(acme):
    assert acme.app.get(PRODUCTS, extra_environ={"REQUEST_URI": f"{PRODUCTS}?limit=1#%2f"}).status_int == 200


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
def test_health_probes_list_their_methods(acme, path):
    answer = acme.app.post(path, status=405)
    assert answer.headers["Allow"] == "GET, HEAD"
    assert answer.json["code"] == "method_not_allowed"


def test_an_unknown_path_below_health_is_a_404(acme):
    acme.app.post("/health/nothing", status=404)


def test_no_header_chooses_where_the_path_begins(acme):
    below = {"X-Vhm-Root": "/acme/api/v1"}
    assert acme.app.get("/products", headers=below, status=404).json["code"] == "not_found"
    assert acme.app.get(PRODUCTS, headers={"X-Vhm-Root": "/nothing"}).status_int == 200
