"""A shop whose customers log in, and its API as a client uses it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from autonomy_core.testing.application import Autonomy
from customer_auth import logins

EMAIL = "ada@example.org"
PASSWORD = "a long engine"


@dataclass
class Shop:
    """One organisation's calls about accounts."""

    autonomy: Autonomy
    id: str
    address: str = "192.0.2.1"

    def post(self, call, body, status=None, headers=None):
        path = f"/{self.id}/api/v1/customers/{call}"
        return self.autonomy.app.post_json(
            path, body, status=status, headers=headers, extra_environ={"REMOTE_ADDR": self.address}
        )

    def register(self, email=EMAIL, password=PASSWORD, status=201):
        return self.post("register", {"email": email, "password": password, "name": "Ada"}, status)

    def login(self, email=EMAIL, password=PASSWORD, status=200):
        return self.post("login", {"email": email, "password": password}, status)

    def refresh(self, token, status=200):
        return self.post("refresh", {"refresh_token": token}, status)

    def logout(self, token, status=204):
        return self.post("logout", {"refresh_token": token}, status)

    def change_password(self, access_token, current, new, status=200):
        path, headers = f"/{self.id}/api/v1/customers/password", {"Authorization": f"Bearer {access_token}"}
        body = {"current_password": current, "new_password": new}
        return self.autonomy.app.post_json(path, body, headers=headers, status=status)

    def me(self, access_token, status=200):
        headers = {"Authorization": f"Bearer {access_token}"}
        return self.autonomy.app.get(f"/{self.id}/api/v1/customers/me", headers=headers, status=status)


def open_shop(autonomy, organisation_id="acme", **settings):
    autonomy.organisation(
        organisation_id,
        plugins=("customer_auth",),
        settings={"customer_auth": {key: str(value) for key, value in settings.items()}}
        if settings
        else None,
    )
    return Shop(autonomy, organisation_id)


@pytest.fixture
def make_shop(autonomy):
    return lambda organisation_id="acme", **settings: open_shop(autonomy, organisation_id, **settings)


@pytest.fixture
def shop(make_shop):
    return make_shop()


@pytest.fixture
def asked_each_time(monkeypatch):
    """No process believes for a moment what it was last told of a login."""
    monkeypatch.setattr(logins, "ASKED_AGAIN_AFTER_S", 0.0)


@pytest.fixture
def other_shop(make_shop):
    return make_shop("beacon")


@pytest.fixture
def committed_shop(committed):
    return open_shop(committed)
