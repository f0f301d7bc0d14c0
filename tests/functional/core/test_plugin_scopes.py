"""A plugin has scopes of its own, and nodes below the core's."""

import pytest

from autonomy_core.errors import InvalidInput

ALL = "/acme/api/v1/admin/trials"


def test_a_key_with_the_plugins_scope_may_call_its_views(acme):
    acme.app.get(ALL, headers=acme.as_staff(scopes=["trial.look"]))
    acme.app.get(ALL, headers=acme.as_staff())


def test_a_key_without_the_plugins_scope_and_a_customer_are_refused(acme):
    acme.app.get(ALL, headers=acme.as_staff(scopes=["catalog.write", "payments.refund"]), status=403)
    acme.app.get(ALL, headers=acme.as_customer(acme.customer()), status=403)
    acme.app.get(ALL, status=401)


def test_the_plugin_s_scope_opens_nothing_else(acme):
    headers = acme.as_staff(scopes=["trial.look"])
    for path in ("products", "payments"):
        acme.app.get(f"/acme/api/v1/admin/{path}", headers=headers, status=403)


def test_the_api_description_says_which_scope_a_call_needs(acme):
    document = acme.app.get("/acme/api/v1/openapi.json").json
    assert document["paths"]["/admin/trials"]["get"]["security"] == [{"staff": ["trial.look"]}]


def scopes_that_are_listed(autonomy, organisation_id):
    document = autonomy.app.get(f"/{organisation_id}/api/v1/openapi.json").json
    return document["components"]["securitySchemes"]["staff"]["description"]


def test_the_api_description_lists_the_plugins_scope(acme):
    assert "\n- `trial.look`: look at what only the plugin has" in scopes_that_are_listed(acme, "acme")
    assert "\n- `catalog.read`: " in scopes_that_are_listed(acme, "acme")


def test_a_disabled_plugins_scope_is_not_listed(acme):
    acme.organisation("globex", plugins=("stand_ins",))
    assert "trial" not in scopes_that_are_listed(acme, "globex")
    assert "\n- `catalog.read`: " in scopes_that_are_listed(acme, "globex")


def test_a_scope_that_no_plugin_has_is_on_no_key(acme):
    with pytest.raises(InvalidInput, match=r"unknown scope: trial\.touch; there are .*trial\.look"):
        acme.as_staff(scopes=["trial.touch"])


def test_a_node_below_a_payment_gets_the_payment(acme):
    payment = acme.payment(acme.customer(), acme.product())
    path = f"/acme/api/v1/admin/payments/{payment.id}/trial"
    assert acme.app.get(path, headers=acme.as_staff()).json == {"text": str(payment.id)}
    acme.app.get(path, headers=acme.as_staff(scopes=["catalog.read"]), status=403)
