"""The organisation of a URL; only the exact path of a resource answers."""

from dataclasses import replace

import pytest

from autonomy_core.kernel.urls import api_url, site_url


@pytest.fixture
def two(acme):
    acme.organisation("other", hosts=("other.example",))
    return acme


def products_of(two, path, host="localhost"):
    return [item["title"] for item in two.app.get(path, headers={"Host": host}).json["items"]]


def test_host_and_path_reach_the_same_organisation(two):
    two.product("acme", title="Acme's")
    two.product("other", title="Other's")
    assert products_of(two, "/other/api/v1/products") == ["Other's"]
    assert products_of(two, "/api/v1/products", "other.example") == ["Other's"]
    assert products_of(two, "/api/v1/products", "acme.example") == ["Acme's"]


def test_an_unknown_host_reaches_the_default_organisation(two):
    two.product("acme", title="Acme's")
    assert products_of(two, "/api/v1/products", "nobody.example") == ["Acme's"]


def test_an_organisations_host_refuses_another_organisations_path(two):
    two.organisation("third", hosts=("third.example",))
    two.app.get("/third/api/v1/products", headers={"Host": "other.example"}, status=404)
    two.app.get("/other/api/v1/products", headers={"Host": "other.example"})
    # The default organisation's host is also where the others are reached by path.
    two.app.get("/third/api/v1/products", headers={"Host": "acme.example"})


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/acme",
        "/acme/api",
        "/acme/api/v2/products",
        "/nobody/api/v1/products",
        "/acme/api/v1/nothing",
        "/acme/api/v1/products/junk",
        "/acme/api/v1/products/0199d1a0-0000-7000-8000-000000000000",
        "/acme/api/v1/trials/junk",
        "/acme/api/v1/trials/echo/junk",
        "/acme/api/v1/@@trial-of-the-root",
        "/health/@@live",
        "/acme/api/v1/openapi.json/junk",
        "/acme/api/v1/acme/api/v1/products",
        "//acme/api/v1/products",
        "/acme//api/v1/products",
        "/acme/api/v1//products",
        "/acme/api/v1/products//",
        "/acme%2f/api/v1/products",
        "/acme/./api/v1/products",
        "/acme/%2e/api/v1/products",
        "/nothing/../acme/api/v1/products",
        "/acme/api/v1/admin/../products",
        "/acme/api/v1/products/.",
        "/acme/api/v1/products/..",
        "/health//live",
        "/health/../health/live",
        "/api/webhook/stripe/acme",
    ],
)
def test_an_unknown_path_is_answered_with_a_problem(acme, path):
    answer = acme.app.get(path, status=404)
    assert answer.content_type == "application/problem+json"
    assert answer.json["code"] == "not_found"


def test_additional_path_segments_are_a_404(acme):
    product = acme.product()
    acme.app.get(f"/acme/api/v1/products/{product.id}")
    acme.app.get(f"/acme/api/v1/products/{product.id}/junk", status=404)


def test_an_id_has_one_spelling(acme):
    product = acme.product()
    acme.app.get(f"/acme/api/v1/products/{product.id.hex}", status=404)
    acme.app.get(f"/acme/api/v1/products/{{{product.id}}}", status=404)


@pytest.mark.parametrize("path", ["/%ff", "/acme/api/v1/%ff", "/%ff/api/v1/products"])
def test_a_path_that_is_not_utf_8_is_malformed(acme, path):
    answer = acme.app.get(path, status=400)
    assert answer.json["code"] == "malformed_request"
    assert answer.content_type == "application/problem+json"


def test_a_query_that_is_not_utf_8_is_malformed(acme):
    assert acme.app.get("/acme/api/v1/products?limit=%ff", status=400).json["code"] == "malformed_request"


@pytest.fixture
def broken(two):
    """An organisation whose file has never been valid, and another whose host the file claims."""
    path = two.runtime.settings.tenants / "broken.ini"
    path.write_text("[organisation]\nname = Broken\nhosts = broken.example\n")
    two.runtime.tenants.reload()
    return two


@pytest.mark.parametrize("path", ["/broken/api/v1/products", "/broken", "/broken/api/v1/nothing"])
def test_a_known_organisation_that_cannot_be_served_is_unavailable(broken, path):
    answer = broken.app.get(path, status=503)
    assert answer.json["code"] == "organisation_unavailable"
    assert int(answer.headers["Retry-After"]) > 0


def test_other_organisations_stay_in_service_beside_a_broken_one(broken):
    broken.product("other", title="Other's")
    assert products_of(broken, "/other/api/v1/products") == ["Other's"]
    broken.app.get("/health/live", headers={"Host": "broken.example"})


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("localhost:6543", "http://localhost:8080/api/v1/link"),
        ("shop.localhost", "http://shop.localhost:8080/api/v1/link"),
        ("shop.example:8443", "https://shop.example:8443/api/v1/link"),
    ],
)
def test_links_to_this_machine_have_the_port_of_the_settings(acme, host, url):
    """A demonstration on another port than that of the sample shops' hosts."""
    acme.organisation("other", hosts=(host,))
    before = acme.runtime
    acme.runtime = replace(before, settings=replace(before.settings, local_port=8080))
    with acme.scope("other") as scope:
        assert api_url(scope, "link") == url
        assert site_url(scope) == url.removesuffix("api/v1/link")
    acme.runtime = before


def test_without_a_host_links_have_the_organisation_in_the_path(acme):
    with acme.scope() as scope:
        hostless = replace(scope, organisation=replace(scope.organisation, hosts=()))
        assert site_url(hostless).endswith("/acme/")
