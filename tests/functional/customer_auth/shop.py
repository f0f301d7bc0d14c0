"""One organisation's calls about accounts."""

from __future__ import annotations

from dataclasses import dataclass

from autonomy_core.testing.application import Autonomy

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

    def get(self, call, headers, status=200):
        return self.autonomy.app.get(f"/{self.id}/api/v1/customers/{call}", headers=headers, status=status)

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
