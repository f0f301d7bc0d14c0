"""Paths of a plugin that is not enabled are 404, never 403 or 405."""

import pytest


@pytest.fixture
def without(acme):
    acme.organisation("plain", plugins=("stand_ins",))
    return acme


@pytest.mark.parametrize("path", ["/trials", "/trials/private", "/trials/echo", "/trial-of-the-root"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_nodes_and_views_of_a_disabled_plugin_do_not_exist(without, path, method):
    answer = without.app.request(f"/plain/api/v1{path}", method=method, status=404)
    assert answer.json["code"] == "not_found"


def test_nodes_and_views_of_an_enabled_plugin_exist(without):
    without.app.get("/acme/api/v1/trials")
    without.app.get("/acme/api/v1/trial-of-the-root")
    without.app.get("/acme/api/v1/trials/private", status=401)
    without.app.get("/acme/api/v1/trials/echo", status=405)


def test_enabling_a_plugin_takes_effect_at_once(without):
    without.organisation("plain", plugins=("stand_ins", "trial"))
    without.app.get("/plain/api/v1/trials")
    without.organisation("plain", plugins=("stand_ins",))
    without.app.get("/plain/api/v1/trials", status=404)
