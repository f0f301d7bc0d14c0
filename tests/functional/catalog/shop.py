"""One organisation of the tests of the catalogue."""

from dataclasses import dataclass

from autonomy_core.testing.application import Autonomy


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
