"""What a request is about is said once and plainly: one host, and a path whose slashes are slashes."""

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
def test_hosts_as_they_are_written_are_taken(acme, host):
    assert acme.app.get(PRODUCTS, headers={"Host": host}).status_int == 200


def test_a_refusal_of_the_host_can_be_read_by_the_shops_own_pages(acme):
    origin = "https://acme.example"
    headers = {"Host": "", "Origin": origin}
    answer = acme.app.get(PRODUCTS, headers=headers, status=400)
    assert answer.headers["Access-Control-Allow-Origin"] == origin


@pytest.mark.parametrize("target", ["/acme/api/v1%2Fproducts", "/acme%2f/api/v1/products"])
@pytest.mark.parametrize("name", ["REQUEST_URI", "RAW_URI"])
def test_an_encoded_slash_is_part_of_a_name_that_nothing_has(acme, name, target):
    answer = acme.app.get(PRODUCTS, extra_environ={name: target, "autonomy.unchecked": True}, status=404)
    assert answer.json["code"] == "not_found"


def test_an_encoded_slash_in_the_query_is_no_part_of_the_path(acme):
    assert acme.app.get(PRODUCTS, extra_environ={"REQUEST_URI": f"{PRODUCTS}?limit=1#%2f"}).status_int == 200


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
def test_probes_say_which_methods_they_take(acme, path):
    answer = acme.app.post(path, status=405)
    assert answer.headers["Allow"] == "GET, HEAD"
    assert answer.json["code"] == "method_not_allowed"


def test_a_part_of_health_that_there_is_not_stays_404(acme):
    acme.app.post("/health/nothing", status=404)
