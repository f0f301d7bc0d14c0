"""``autonomy serve --trusted-proxy``: whose word counts for who asks, and by which scheme."""

import click
import pytest
from webtest import TestApp

from autonomy_core.cli.serve import checked_addresses
from autonomy_core.cli.wsgi import behind

SAYS = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"}


def whom_it_sees(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{environ['wsgi.url_scheme']} {environ['REMOTE_ADDR']}".encode()]


def seen(proxies, *, asked_by, headers=SAYS):
    app = TestApp(behind(whom_it_sees, proxies), extra_environ={"REMOTE_ADDR": asked_by})
    return app.get("/", headers=headers).text


def test_a_trusted_proxy_says_for_whom_it_asks():
    assert seen(("127.0.0.1",), asked_by="127.0.0.1") == "https 198.51.100.7"
    assert seen(("10.0.0.0/8",), asked_by="10.1.2.3") == "https 198.51.100.7"


def test_what_a_client_wrote_before_the_proxy_did_is_not_believed():
    headers = {**SAYS, "X-Forwarded-For": "203.0.113.1, 198.51.100.7"}
    assert seen(("127.0.0.1",), asked_by="127.0.0.1", headers=headers) == "https 198.51.100.7"


def test_nobody_else_is_believed():
    assert seen(("127.0.0.1",), asked_by="192.0.2.9") == "http 192.0.2.9"
    assert seen((), asked_by="127.0.0.1") == "http 127.0.0.1"


def test_what_is_no_address_is_refused():
    with pytest.raises(click.BadParameter, match="does not appear to be"):
        checked_addresses(("proxy.example",))
