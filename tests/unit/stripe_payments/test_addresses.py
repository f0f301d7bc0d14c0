"""The URL at which Stripe reaches an organisation."""

from types import SimpleNamespace

import pytest

from stripe_payments.endpoints.addresses import NoAddress, endpoint_url


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("shop.example:8443", "https://shop.example:8443"),
        ("localhosting.example", "https://localhosting.example"),
        ("localhost.example", "https://localhost.example"),
        ("127.0.0.1.example", "https://127.0.0.1.example"),
        ("localhost:6543", "http://localhost:6543"),
        ("shop.localhost:6543", "http://shop.localhost:6543"),
        ("127.0.0.1:6543", "http://127.0.0.1:6543"),
        ("[::1]:6543", "http://[::1]:6543"),
    ],
)
def test_only_the_local_machine_is_reached_without_tls(host, url):
    assert endpoint_url(with_hosts(host, "other.example")) == f"{url}/api/webhook/stripe/acme"


def test_without_a_host_there_is_no_address():
    with pytest.raises(NoAddress, match=r"autonomy\.hosts"):
        endpoint_url(with_hosts())


def with_hosts(*hosts):
    return SimpleNamespace(hosts=hosts, organisation=SimpleNamespace(id="acme"))
