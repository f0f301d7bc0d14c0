"""The headers of pages."""

from types import SimpleNamespace

import pytest
from pyramid.request import Request
from pyramid.response import Response

from autonomy_core.pages.headers import allow, policy_of, protect


def request(url="https://acme.example/", hsts_days=0):
    made = Request.blank(url)
    made.registry = SimpleNamespace(_runtime=SimpleNamespace(settings=SimpleNamespace(hsts_days=hsts_days)))
    return made


def test_a_page_may_load_files_of_its_host_only():
    policy = dict(each.split(" ", 1) for each in policy_of(request()).split("; "))
    assert policy.pop("require-trusted-types-for") == "'script'"
    assert set(policy.values()) == {"'none'", "'self'"}
    assert {name for name, value in policy.items() if value == "'none'"} == {
        "base-uri",
        "default-src",
        "frame-ancestors",
    }


def test_an_origin_is_added_for_one_request():
    asked = request()
    allow(asked, "form-action", "https://checkout.example")
    allow(asked, "form-action", "https://*.pay.example:8443")
    assert "form-action 'self' https://checkout.example https://*.pay.example:8443;" in policy_of(asked)
    assert "checkout" not in policy_of(request())


@pytest.mark.parametrize("directive", ["script-src", "style-src", "default-src", "base-uri", "nonsense"])
def test_scripts_and_styles_come_from_nowhere_else(directive):
    with pytest.raises(ValueError, match="no origin can be added"):
        allow(request(), directive, "https://cdn.example")


@pytest.mark.parametrize(
    "origin",
    ["*", "https:", "data:", "'unsafe-inline'", "https://a.example; script-src *", "https://a/b", ""],
)
def test_only_an_origin_can_be_added(origin):
    with pytest.raises(ValueError, match="is no origin"):
        allow(request(), "img-src", origin)


def test_https_is_demanded_only_if_the_operator_says_so():
    for asked, expected in (
        (request(hsts_days=30), "max-age=2592000"),
        (request("http://acme.example/", hsts_days=30), None),
        (request(), None),
    ):
        response = Response()
        protect(asked, response)
        assert response.headers.get("Strict-Transport-Security") == expected
        assert response.headers["Cache-Control"] == "no-store"
