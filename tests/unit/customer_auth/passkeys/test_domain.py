"""The rules of passkeys."""

from uuid import UUID

import pytest

from customer_auth.passkeys.domain import (
    Page,
    customer_of,
    is_copy,
    is_own_origin,
    rp_id_of,
    user_handle,
)

HOSTS = ("server.example", "shop.example", "music.example:8443")
CUSTOMER = UUID("01a22000-0000-7000-8000-000000000001")


@pytest.mark.parametrize(
    ("origin", "api_host", "rp_id"),
    [
        ("https://shop.example", "shop.example", "shop.example"),
        ("https://shop.example", "server.example", "shop.example"),
        ("https://SHOP.example", "server.example", "shop.example"),
        ("https://music.example:8443", "server.example", "music.example"),
        ("http://localhost:5173", "localhost:6543", "localhost"),
        ("https://app.localhost", "localhost", "app.localhost"),
        (None, "shop.example", "shop.example"),
        (None, "foreign.example", None),
        ("http://shop.example", "shop.example", None),
        ("https://shop.example:8443", "shop.example", "shop.example"),
        ("https://music.example", "server.example", None),
        ("https://foreign.example", "foreign.example", None),
        ("https://shop.example.foreign.example", "shop.example", None),
        ("https://a.shop.example", "shop.example", None),
        ("https://eve@shop.example", "shop.example", None),
        ("https://shop.example/path", "shop.example", None),
        ("http://localhost:5173", "shop.example", None),
        ("https://notlocalhost", "localhost", None),
        ("null", "shop.example", None),
        ("", "shop.example", None),
        ("https://[", "shop.example", None),
    ],
)
def test_a_passkey_belongs_to_the_host_of_an_own_page(origin, api_host, rp_id):
    assert rp_id_of(Page(origin, api_host), HOSTS) == rp_id
    if origin is not None:
        assert is_own_origin(origin, HOSTS, api_host) is (rp_id is not None)


def test_a_handle_names_the_organisation_and_the_customer():
    handle = user_handle("acme", CUSTOMER)
    assert len(handle) == 32
    assert customer_of(handle, "acme") == CUSTOMER
    assert customer_of(handle, "beacon") is None


@pytest.mark.parametrize("handle", [b"", b"x" * 16, b"x" * 32, user_handle("acme", CUSTOMER)[:-1]])
def test_other_bytes_are_no_handle(handle):
    assert customer_of(handle, "acme") is None


@pytest.mark.parametrize(
    ("before", "now", "copied"),
    [(0, 0, False), (0, 1, False), (4, 5, False), (4, 9, False), (4, 4, True), (4, 3, True), (4, 0, True)],
)
def test_a_counter_that_does_not_rise_means_a_copy(before, now, copied):
    assert is_copy(before, now) is copied
