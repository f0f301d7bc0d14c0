"""Addresses of clients: their networks and their canonical spelling."""

import pytest

from autonomy_core.addresses import both_spellings, client_network, coarse_network, spelt_once


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("203.0.113.9:52011", "203.0.113.9"),
        ("[2001:db8:1:2::9]:52011", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
        ("[::ffff:203.0.113.9]:52011", "203.0.113.9"),
        ("203.0.113:52011", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
        ("a unix socket", "unknown"),
    ],
)
def test_a_client_is_counted_by_its_network(address, network):
    assert client_network(address) == network


@pytest.mark.parametrize(
    ("text", "spelt"),
    [
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("0:0:0:0:0:FFFF:c000:201", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("203.0.113.9:52011", "203.0.113.9"),
        ("[2001:db8::9]:52011", "2001:db8::9"),
        ("no: address", "no: address"),
    ],
)
def test_an_ipv4_address_has_one_spelling(text, spelt):
    assert spelt_once(text) == spelt


@pytest.mark.parametrize(
    ("network", "spellings"),
    [
        ("192.0.2.1", ("192.0.2.1", "::ffff:192.0.2.1/128")),
        ("10.0.0.0/8", ("10.0.0.0/8", "::ffff:10.0.0.0/104")),
        ("2001:db8::/32", ("2001:db8::/32",)),
    ],
)
def test_a_network_of_ipv4_is_known_at_a_socket_for_ipv6(network, spellings):
    assert both_spellings(network) == spellings


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::9", "2001:db8:1::/48"),
        (None, "unknown"),
        ("no address", "unknown"),
    ],
)
def test_the_origin_of_a_client_is_coarse(address, network):
    assert coarse_network(address) == network
