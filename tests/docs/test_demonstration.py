"""The files of the demonstration that the examples use."""

import json

import requests

from autonomy_core.kernel.identity import SCOPES
from demo.places import SHOPS
from demo.shop import staff_key


def test_the_staff_keys_have_all_scopes(stack):
    for shop in SHOPS:
        kept = json.loads((stack.places.directory / f"staff-key-{shop}.json").read_text())
        assert set(kept["scopes"]) == set(SCOPES)


def test_a_staff_key_with_fewer_scopes_is_replaced(stack):
    shop = SHOPS[1]
    path = stack.places.directory / f"staff-key-{shop}.json"
    older = stack.processes.autonomy(
        "keys", "issue", shop, "--name", "demo", "--scope", "catalog.write", "--json"
    )
    path.write_text(older)
    key = staff_key(stack.places, stack.processes, shop)
    assert key != json.loads(older)["key"]
    listed = requests.get(
        f"{stack.places.api(shop)}/admin/payments", headers={"Authorization": f"Bearer {key}"}, timeout=30
    )
    assert listed.status_code == 200
