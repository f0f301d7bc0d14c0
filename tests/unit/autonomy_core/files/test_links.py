"""The fields that the signature of a link covers."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

import pytest

from autonomy_core.files.links import signed_query, verified_customer

KEY = bytes(range(32))
PATH = "/acme/api/v1/customers/tracks/1/stream"
ADA, BOB = UUID(int=1), UUID(int=2)
EXPIRES = 1_800_000_000
QUERY = signed_query(KEY, PATH, ADA, EXPIRES)


def test_a_link_names_its_customer_until_it_expires():
    assert verified_customer(KEY, PATH, urlencode(QUERY), EXPIRES - 0.1) == ADA
    assert verified_customer(KEY, PATH, urlencode(QUERY), EXPIRES) is None


@pytest.mark.parametrize(
    ("key", "path", "changes"),
    [
        (bytes(32), PATH, {}),
        (KEY, PATH + "s", {}),
        (KEY, PATH, {"customer": str(BOB)}),
        (KEY, PATH, {"expires": EXPIRES + 1}),
        (KEY, PATH, {"expires": f"0{EXPIRES}"}),
        (KEY, PATH, {"expires": f"{EXPIRES} "}),
        (KEY, PATH, {"signature": ""}),
        (KEY, PATH, {"signature": QUERY["signature"][:-1]}),
        (KEY, PATH, {"signature": "é"}),
    ],
)
def test_a_changed_link_is_invalid(key, path, changes):
    assert verified_customer(key, path, urlencode({**QUERY, **changes}), 0) is None


@pytest.mark.parametrize("name", QUERY)
def test_a_link_with_a_missing_or_repeated_field_is_invalid(name):
    without = {field: value for field, value in QUERY.items() if field != name}

    assert verified_customer(KEY, PATH, urlencode(without), 0) is None
    assert verified_customer(KEY, PATH, urlencode([*QUERY.items(), (name, QUERY[name])]), 0) is None


def test_a_link_with_additional_fields_is_valid():
    assert verified_customer(KEY, PATH, urlencode({**QUERY, "utm_source": "x"}), 0) == ADA
