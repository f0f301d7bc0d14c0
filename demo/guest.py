"""A visitor buys without an account. The mailbox opens the library, and gives the account its password."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urldefrag

from demo.client import Client
from demo.mailbox import Mailbox
from demo.processes import DemoError
from demo.shop import Release
from demo.stage import Stage

FIRST_PASSWORD = "quiet lantern meadow"
SECOND_PASSWORD = "violet ladder evening"


class GuestStory:
    """The steps of one visitor, who is a new one in each run.

    Args:
        stage: where the story happens.
        release: what the visitor buys.
    """

    def __init__(self, stage: Stage, release: Release) -> None:
        self._stage = stage
        self._release = release
        self._email = f"grace+{secrets.token_hex(4)}@example.org"
        self._mailbox = Mailbox(self._email, stage.processes, stage.narrator)
        self._visitor = stage.client(release.shop)

    def run(self) -> None:
        """Run all steps.

        Raises:
            DemoError: a step failed.
        """
        self._buy()
        self._step("the receipt arrives by SMTP")
        link = self._mailbox.wait_for_link("library")
        self._step("the link in the receipt opens the library, once")
        self._open_library(link)
        self._stage.listen(self._release, self._visitor)
        self._step("sets a password later")
        self._set_password()
        self._step("forgets the password, and resets it by mail")
        self._reset_password()

    def _step(self, title: str) -> None:
        self._stage.step(f"{self._release.shop}: {title}")

    def _buy(self) -> None:
        self._step(f"a visitor buys {self._release.title} without an account")
        product_id = self._stage.products[self._release.shop]
        sent = {"email": self._email}
        bought = self._visitor.call("POST", f"products/{product_id}/purchase", (201,), json=sent).json()
        payment_id = bought["payment"]["id"]
        self._stage.narrator.remark(f"payment {payment_id}: {bought['payment']['status']}")
        self._stage.pay(self._visitor, bought["checkout_url"])
        status_url = bought["payment_status_url"]
        self._stage.wait_for_payment(
            lambda: {"id": payment_id, "status": self._visitor.call("GET", status_url).json()["status"]}
        )

    def _open_library(self, link: str) -> None:
        visitor = self._visitor
        visitor.call("GET", urldefrag(link).url)
        self._stage.narrator.remark("opening the page uses nothing up; its button posts the token")
        token = {"token": Mailbox.token_of(link)}
        visitor.authorize(visitor.call("POST", "customers/library", json=token).json()["access_token"])
        visitor.call("POST", "customers/library", (422,), json=token)
        account = visitor.call("GET", "customers/me").json()
        if (account["email"], account["email_verified"]) != (self._email, True):
            raise DemoError(f"The link has not verified {self._email}: {account}")
        self._stage.narrator.remark(f"{self._email} is an account now, and its address is verified")

    def _set_password(self) -> None:
        new = {"new_password": FIRST_PASSWORD}
        self._visitor.call("POST", "customers/password", json=new)
        self._log_in(FIRST_PASSWORD)

    def _reset_password(self) -> None:
        visitor = self._stage.client(self._release.shop)
        visitor.call("POST", "customers/password/forgotten", (202,), json={"email": self._email})
        link = self._mailbox.wait_for_link("reset")
        new = {"token": Mailbox.token_of(link), "password": SECOND_PASSWORD}
        visitor.call("POST", "customers/password/reset", (204,), json=new)
        self._log_in(FIRST_PASSWORD, (401,))
        tokens = self._log_in(SECOND_PASSWORD)
        visitor.authorize(tokens["access_token"])
        owned = [item["title"] for item in visitor.call("GET", "customers/products").json()["items"]]
        if owned != [self._release.title]:
            raise DemoError(f"expected to own {self._release.title} after the reset, not {owned}")

    def _log_in(self, password: str, expect: tuple[int, ...] = (200,)) -> dict[str, Any]:
        client: Client = self._stage.client(self._release.shop)
        sent = {"email": self._email, "password": password}
        answer: dict[str, Any] = client.call("POST", "customers/login", expect, json=sent).json()
        return answer
