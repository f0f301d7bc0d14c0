"""A shop that sells things, as its staff and its visitors see it."""

from dataclasses import dataclass

import pytest

from autonomy_core.testing.application import Autonomy, chosen_plugins


@pytest.fixture(scope="module")
def autonomy_plugins():
    return chosen_plugins()


@dataclass
class Shop:
    """One organisation, its staff and a customer."""

    autonomy: Autonomy
    id: str

    def __post_init__(self):
        self.app = self.autonomy.app
        self.staff = self.autonomy.as_staff(self.id)
        self.ada = self.autonomy.customer(self.id)
        self.as_ada = self.autonomy.as_customer(self.ada)

    @property
    def api(self):
        return f"/{self.id}/api/v1"

    def make(self, title="First Light", status=201, **values):
        body = {"title": title, "kind": "thing", "amount": 900, **values}
        return self.app.post_json(f"{self.api}/admin/products", body, headers=self.staff, status=status).json

    def change(self, product, status=200, **changes):
        path = f"{self.api}/admin/products/{product['id']}"
        return self.app.patch_json(path, changes, headers=self.staff, status=status).json

    def get(self, name, status=200):
        return self.app.get(f"{self.api}/products/{name}", status=status)

    def listed(self, query=""):
        return [item["title"] for item in self.app.get(f"{self.api}/products{query}").json["items"]]

    def buy(self, product, status=201):
        path = f"{self.api}/customers/products/{product['id']}/purchase"
        return self.app.post_json(path, {}, headers=self.as_ada, status=status).json


@pytest.fixture
def make_shop(autonomy):
    def make(organisation_id="acme", **settings):
        autonomy.organisation(organisation_id, plugins=("stand_ins",), **settings)
        return Shop(autonomy, organisation_id)

    return make


@pytest.fixture
def shop(make_shop):
    return make_shop()
