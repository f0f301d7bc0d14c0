"""A PostgreSQL that hangs during purchases: answers come in time, and nothing is done twice."""

import uuid

import pytest
import requests

from tests.faults.installation import SHOPS, TIMEOUT_S, installed, wait_for
from tests.support.stopped_postgresql import stopped

pytestmark = pytest.mark.processes

HARBOUR = SHOPS[0]


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    with installed(tmp_path_factory.mktemp("hanging") / "run", fast=True) as made:
        yield made


def test_a_purchase_during_a_database_hang_is_answered_and_made_once(installation):
    _, (product, *_) = installation.set_up()[HARBOUR]
    customers = f"{installation.api(HARBOUR)}/customers"
    who = {"email": "patient@example.org", "password": "correct horse battery", "name": "Ada"}
    tokens = requests.post(f"{customers}/register", json=who, timeout=TIMEOUT_S).json()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    key = {"Idempotency-Key": uuid.uuid4().hex}

    def buy():
        return requests.post(
            f"{customers}/products/{product}/purchase", headers=bearer | key, timeout=TIMEOUT_S
        )

    def payments():
        return requests.get(f"{customers}/payments", headers=bearer, timeout=TIMEOUT_S)

    assert payments().json()["items"] == []
    installation.serve_hastily(3.0)
    with stopped(installation.database):
        told = buy()
        assert (told.status_code, told.json()["code"]) == (503, "answer_too_slow")
        assert told.headers["Retry-After"] == "30"
    bought = wait_for(lambda: (answer := buy()).status_code == 201 and answer, "the purchase")
    listed = wait_for(lambda: (answer := payments()).status_code == 200 and answer, "the payments")
    assert [each["id"] for each in listed.json()["items"]] == [bought.json()["payment"]["id"]]
