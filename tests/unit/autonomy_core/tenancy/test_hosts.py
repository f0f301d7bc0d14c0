from __future__ import annotations

import pytest

from autonomy_core.tenancy.hosts import host_keys, normalise_host


@pytest.mark.parametrize(
    ("written", "normalised"),
    [
        ("Shop.Example", "shop.example"),
        ("shop.example.", "shop.example"),
        ("shop.example.:8443", "shop.example:8443"),
        ("localhost:06543", "localhost:6543"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example:80", "xn--bcher-kva.example:80"),
        ("127.0.0.1:6543", "127.0.0.1:6543"),
        ("[::1]:6543", "[::1]:6543"),
    ],
)
def test_hosts_are_compared_in_lower_case_ascii_without_a_final_dot(written: str, normalised: str):
    assert normalise_host(written) == normalised


@pytest.mark.parametrize(
    "written",
    [
        "",
        ":80",
        "https://shop.example",
        "shop.example/path",
        "a b",
        "user@shop.example",
        "-a.example",
        "a..b",
        "a:x",
        "shop.example:0",
        "shop.example:65536",
        "shop.example:99999",
        "a" * 64 + ".example",
        ".".join(["a" * 60] * 5),
        "\u2024.example",
    ],
)
def test_an_invalid_host_name_is_none(written: str):
    assert normalise_host(written) is None


def test_a_host_is_looked_up_with_its_port_and_then_without():
    assert host_keys("Shop.Example:8443") == ("shop.example:8443", "shop.example")
    assert host_keys("shop.example") == ("shop.example",)
    assert host_keys("not a host") == ()
