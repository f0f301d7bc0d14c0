"""Forwarded headers of trusted proxies."""

import pytest
from webtest import TestApp

from autonomy_core.app import main
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.settings_schema import SettingsError

FORWARDED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}


@pytest.fixture
def ask(tmp_path):
    """Ask an application behind these proxies for a page that is not there; tells how it saw the request."""
    (tmp_path / "tenants").mkdir()
    settings = {"autonomy.tenants": str(tmp_path / "tenants"), "autonomy.data": str(tmp_path / "data")}

    def ask(trusted, remote_addr):
        app = main({}, **settings, **trusted)
        answer = TestApp(app).get(
            "/nothing", headers=FORWARDED, extra_environ={"REMOTE_ADDR": remote_addr}, status=404
        )
        runtime_of(app.registry).close()
        return answer.request.environ["REMOTE_ADDR"], answer.request.environ["wsgi.url_scheme"]

    return ask


@pytest.mark.parametrize("proxies", ["127.0.0.1", "10.0.0.0/8, 127.0.0.1"])
def test_forwarded_headers_of_a_trusted_proxy_are_used(ask, proxies):
    assert ask({"autonomy.trusted_proxies": proxies}, "127.0.0.1") == ("203.0.113.9", "https")


@pytest.mark.parametrize("proxies", ["127.0.0.1", "127.0.0.0/8"])
def test_an_ipv4_proxy_is_trusted_by_a_server_on_ipv6(ask, proxies):
    assert ask({"autonomy.trusted_proxies": proxies}, "::ffff:127.0.0.1") == ("203.0.113.9", "https")


@pytest.mark.parametrize("trusted", [{}, {"autonomy.trusted_proxies": "10.0.0.0/8"}])
def test_forwarded_headers_of_other_clients_are_ignored(ask, trusted):
    assert ask(trusted, "127.0.0.1") == ("127.0.0.1", "http")


@pytest.mark.parametrize("proxies", ["*", "proxy.example", "10.0.0.1/8"])
def test_an_invalid_proxy_address_is_refused(ask, proxies):
    with pytest.raises(SettingsError, match=r"autonomy\.trusted_proxies"):
        ask({"autonomy.trusted_proxies": proxies}, "127.0.0.1")
