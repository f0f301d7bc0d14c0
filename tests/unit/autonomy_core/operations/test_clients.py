"""The client's address in the request log."""

import pytest

from autonomy_core.operations.clients import shown


@pytest.mark.parametrize(
    ("address", "full", "shortened"),
    [
        ("203.0.113.9", "203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1:2::3", "2001:db8:1::/48"),
        ("::ffff:203.0.113.9", "203.0.113.9", "203.0.113.0/24"),
        ("\x1b]0;owned", "unknown", "unknown"),
        ("a.host.example", "unknown", "unknown"),
    ],
)
def test_an_address_is_logged_whole_or_as_its_network(address, full, shortened):
    assert shown(address, "full") == full
    assert shown(address, "shortened") == shortened
    assert shown(address, "none") is None


def test_an_unknown_address_is_left_out():
    assert shown(None, "full") is None
