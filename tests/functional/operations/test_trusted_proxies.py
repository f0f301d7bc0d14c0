"""Who is believed about whom a request comes from."""

import pytest
from webtest import TestApp

from autonomy_core.app import main
from autonomy_core.settings import SettingsError

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
        app.registry.runtime.close()
        return answer.request.environ["REMOTE_ADDR"], answer.request.environ["wsgi.url_scheme"]

    return ask


@pytest.mark.parametrize("proxies", ["127.0.0.1", "10.0.0.0/8, 127.0.0.1"])
def test_a_trusted_proxy_is_believed(ask, proxies):
    assert ask({"autonomy.trusted_proxies": proxies}, "127.0.0.1") == ("203.0.113.9", "https")


@pytest.mark.parametrize("proxies", ["127.0.0.1", "127.0.0.0/8"])
def test_a_trusted_proxy_is_believed_by_a_server_that_listens_at_ipv6(ask, proxies):
    assert ask({"autonomy.trusted_proxies": proxies}, "::ffff:127.0.0.1") == ("203.0.113.9", "https")


@pytest.mark.parametrize("trusted", [{}, {"autonomy.trusted_proxies": "10.0.0.0/8"}])
def test_nobody_else_is(ask, trusted):
    assert ask(trusted, "127.0.0.1") == ("127.0.0.1", "http")


@pytest.mark.parametrize("proxies", ["*", "proxy.example", "10.0.0.1/8"])
def test_what_is_no_address_is_refused(ask, proxies):
    with pytest.raises(SettingsError, match=r"autonomy\.trusted_proxies"):
        ask({"autonomy.trusted_proxies": proxies}, "127.0.0.1")
