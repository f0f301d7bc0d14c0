"""A shop whose calls accept an Idempotency-Key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update
from webtest import TestApp

from autonomy_core.idempotency.models import IdempotencyKey
from autonomy_core.kernel.manager import Plugins
from autonomy_core.testing import stand_ins
from autonomy_core.testing.application import Autonomy
from autonomy_core.testing.conformance import UNCHECKED
from tests.functional.idempotency import works

PLUGINS = Plugins({works.NAME: works, stand_ins.NAME: stand_ins})
KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


@dataclass
class Shop:
    """One organisation, and its API as clients use it."""

    autonomy: Autonomy
    id: str = "acme"

    def post(self, path, body=None, *, key=KEY, by=None, checked=True, **options):
        headers = {**({"Idempotency-Key": key} if key is not None else {}), **(by or {})}
        environ = {} if checked else UNCHECKED
        options.setdefault("expect_errors", "status" not in options)
        return self.autonomy.app.post_json(
            f"/{self.id}/api/v1/{path}", body or {}, headers=headers, extra_environ=environ, **options
        )

    def work(self, note="", **options):
        return self.post("works", {"note": note}, **options)

    def work_like_another_process(self, note="", key=KEY):
        """The same with a client of its own, for another thread."""
        return TestApp(self.autonomy.app.app).post_json(
            f"/{self.id}/api/v1/works", {"note": note}, headers={"Idempotency-Key": key}, expect_errors=True
        )

    @property
    def works(self):
        """The works that were committed."""
        products = self.autonomy.app.get(f"/{self.id}/api/v1/products").json["items"]
        return sorted(product["title"] for product in products)

    @property
    def rows(self):
        with self.autonomy.scope(self.id) as scope:
            return list(scope.session.scalars(select(IdempotencyKey)))

    def let_pass(self, by):
        """Move all stored times into the past."""
        with self.autonomy.scope(self.id) as scope:
            scope.session.execute(update(IdempotencyKey).values(valid_until=IdempotencyKey.valid_until - by))

    def let_the_lease_end(self):
        self.let_pass(timedelta(minutes=2))


def is_replay(answer):
    return answer.headers.get("Idempotent-Replayed") == "true"


def open_shop(autonomy, organisation_id="acme"):
    autonomy.organisation(organisation_id, plugins=(works.NAME, stand_ins.NAME))
    return Shop(autonomy, organisation_id)
