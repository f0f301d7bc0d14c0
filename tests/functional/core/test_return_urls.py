"""Return URLs of a checkout: only pages of the organisation are accepted."""

from dataclasses import replace

import pytest


@pytest.fixture
def purchase(autonomy):
    autonomy.organisation("acme", hosts=("acme.example", "shop.example:8443"))
    customer, product = autonomy.customer(), autonomy.product()

    def purchase(status, host="acme.example", path="/acme", **body):
        url = f"{path}/api/v1/customers/products/{product.id}/purchase"
        headers = {**autonomy.as_customer(customer), "Host": host}
        return autonomy.app.post_json(url, body, headers=headers, status=status).json

    return purchase


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.example/thanks?x=1#top",
        "http://ACME.example/",
        "https://acme.example:444/",
        "https://shop.example:8443/",
    ],
)
def test_a_page_on_the_organisations_host_is_accepted(purchase, url):
    purchase(201, success_url=url, cancel_url=url)


@pytest.mark.parametrize("host", ["localhost:6543", "shop.localhost:6543"])
@pytest.mark.parametrize("page", ["localhost:3000", "127.0.0.1:3000", "[::1]:3000", "shop.localhost:3000"])
def test_a_localhost_page_is_accepted_for_a_localhost_server(purchase, host, page):
    url = f"http://{page}/"
    purchase(201, host=host, success_url=url)
    purchase(422, host="acme.example", success_url=url)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "https://shop.example/",
        "https://acme.example.evil.example/",
        "https://localhost.evil.example/",
        "https://shop.localhost.evil.example/",
        "https://evil.example/acme.example",
        "https://acme.example@evil.example/",
        "https://acme.example:443@evil.example/",
        "https://evil.example\\@acme.example/",
        "https://acme.example\\.evil.example/",
        "//evil.example/",
        "/thanks",
        "https:acme.example",
        "javascript://acme.example/%0aalert(1)",
        "https://acme.example。evil.example/",
        "https://\u0430cme.example/",
        "https://acme.example/日本",
        "https://acme.example/a b",
        "https://acme.example/\t",
        "https://acme.example/\r\nSet-Cookie: a=b",
    ],
)
@pytest.mark.parametrize("field", ["success_url", "cancel_url"])
def test_any_other_page_is_refused(purchase, field, url):
    assert purchase(422, **{field: url})["code"] in ("foreign_return_url", "invalid_input")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://acme.example/a b", "U+0020 cannot be in a URL: write %20"),
        ("https://acme.example/caf\u00e9", "U+00E9 cannot be in a URL: write %C3%A9"),
        ("/thanks", "This is not an absolute URL: write https:// or http://"),
        ("thanks", "This is not an absolute URL"),
        ("ftp://acme.example/", "This is not an absolute URL"),
        ("https://", "This is not an absolute URL"),
        ("https://[::1/", "This is not an absolute URL"),
        ("https://acme.example:99999/", "The port is invalid: write a number from 1 to 65535"),
        ("https://acme.example:0/", "The port is invalid"),
        ("https://acme.example:/", "The port is invalid"),
        ("https://acme.example:http/", "The port is invalid"),
        ("https://me@acme.example/", "leave out the @"),
        ("https://acme..example/", "acme..example is not a host name"),
        ("https:\\\\acme.example/", "A backslash"),
    ],
)
@pytest.mark.parametrize("field", ["success_url", "cancel_url"])
def test_an_invalid_url_is_refused_with_the_remedy(purchase, field, url, says):
    refused = purchase(422, **{field: url})
    assert refused["code"] == "invalid_input"
    (message,) = refused["errors"]["body"][field]
    assert says in message


def test_the_refusal_names_the_accepted_hosts(purchase):
    refused = purchase(422, success_url="https://evil.example:444/x")
    assert (
        refused["detail"] == "evil.example:444 is none of them; use one of: acme.example, shop.example:8443."
    )


def test_the_host_header_does_not_make_a_page_acceptable(purchase):
    refused = purchase(422, host="evil.example", success_url="https://evil.example/")
    assert refused["code"] == "foreign_return_url"


def test_the_host_header_does_not_choose_the_default_return_url(purchase):
    assert purchase(422, host="evil.example")["code"] == "foreign_return_url"


@pytest.mark.parametrize("host", ["localhost", "localhost:6543", "127.0.0.1:80", "ACME.example.:443"])
def test_return_urls_are_optional_for_a_known_host(purchase, host):
    purchase(201, host=host)


def test_a_page_on_the_servers_own_hosts_is_accepted(autonomy, purchase, monkeypatch):
    settings = replace(autonomy.runtime.settings, hosts=("api.example",))
    runtime = replace(autonomy.runtime, settings=settings)
    monkeypatch.setattr(autonomy.app.app.registry, "_runtime", runtime)
    purchase(201, host="api.example")
    purchase(201, host="api.example", success_url="https://acme.example/")
    purchase(422, host="api.example", success_url="https://evil.example/")
