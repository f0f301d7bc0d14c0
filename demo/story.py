"""The story, step by step: customers buy an MP3 and listen to it; each shop stays separate."""

from __future__ import annotations

from typing import Any

from demo.client import Client, Narrator
from demo.customer import PASSWORD, customer_of_this_run, finish_customer
from demo.guest import GuestStory
from demo.masters import MasterStory
from demo.places import SHOPS, Places
from demo.processes import DemoError, Processes
from demo.shop import RELEASES, Release
from demo.stage import Stage


class Story:
    """One run of the story.

    Args:
        places: the addresses and files of the run.
        processes: the processes of the run.
        narrator: prints the transcript.
        products: the product id of each shop.

    Attributes:
        customer: the customer of the run.
    """

    def __init__(
        self, places: Places, processes: Processes, narrator: Narrator, products: dict[str, str]
    ) -> None:
        self._stage = Stage(places, processes, narrator, products)
        self.customer = customer_of_this_run(places)

    def run(self) -> None:
        """Run all steps.

        Raises:
            DemoError: a step failed.
        """
        stage = self._stage
        for release in RELEASES:
            masters = MasterStory(stage, release) if release.has_masters else None
            if masters is not None:
                masters.prepare()
            stage.step(f"{release.shop}: a customer registers, and logs in")
            self._register(release.shop)
            customer = self._log_in(release.shop)
            self._buy(release, customer)
            if masters is not None:
                masters.enjoy(customer)
            else:
                stage.step(f"{release.shop}: owns {release.title}, and listens")
                stage.listen(release, customer)
        GuestStory(stage, RELEASES[0]).run()
        self._stay_apart()
        stage.processes.check()
        finish_customer(stage.places, self.customer)

    def _register(self, shop: str) -> None:
        who = {"email": self.customer.email, "password": PASSWORD, "name": "Ada"}
        answer = self._stage.client(shop).call("POST", "customers/register", (201, 409), json=who)
        if answer.status_code == 409:
            self._stage.narrator.remark("an earlier run was interrupted; its customer goes on")

    def _log_in(self, shop: str) -> Client:
        client = self._stage.client(shop)
        who = {"email": self.customer.email, "password": PASSWORD}
        tokens = client.call("POST", "customers/login", json=who).json()
        client.authorize(tokens["access_token"])
        return client

    def _buy(self, release: Release, customer: Client) -> None:
        stage, product_id = self._stage, self._stage.products[release.shop]
        stage.step(f"{release.shop}: looks at what there is, and buys {release.title}")
        listed = {item["id"]: item for item in customer.call("GET", "products").json()["items"]}
        if product_id not in listed:
            raise DemoError(f"{release.title} is not in the catalogue.")
        stage.narrator.remark(
            f"{release.title}: {release.amount / 100:.2f} {listed[product_id]['currency'].upper()}"
        )
        checkout_url = self._checkout(customer, product_id)
        stage.step(f"{release.shop}: pays on the checkout page, and Stripe posts its webhook")
        if checkout_url is None:
            stage.narrator.remark("paid before an earlier run was interrupted; nothing is paid twice")
            return
        stage.pay(customer, checkout_url)
        stage.wait_for_payment(lambda: self._payments(customer)[0])
        stage.narrator.remark(f"POST /api/webhook/stripe/{release.shop}: {stage.delivery(release.shop)}")
        session = checkout_url.rpartition("/")[2]
        customer.call("GET", f"checkout/stripe/return?session_id={session}", (303,))

    def _checkout(self, customer: Client, product_id: str) -> str | None:
        """Return the checkout page of a purchase, also of an interrupted run; None for an owned product."""
        answer = customer.call("POST", f"customers/products/{product_id}/purchase", (200, 201, 409), json={})
        if answer.status_code == 409:
            return None
        if answer.status_code == 200:
            self._stage.narrator.remark("an earlier run was interrupted; its checkout is still open")
        bought = answer.json()
        self._stage.narrator.remark(f"payment {bought['payment']['id']}: {bought['payment']['status']}")
        return str(bought["checkout_url"])

    def _payments(self, customer: Client) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = customer.call("GET", "customers/payments").json()["items"]
        return items

    def _stay_apart(self) -> None:
        here, there = SHOPS
        self._stage.step(f"{there} stays strictly apart from {here}")
        customer = self._log_in(here)
        foreign = self._stage.products[there]
        customer.call("GET", f"products/{foreign}", (404,))
        customer.call("POST", f"customers/products/{foreign}/purchase", (404,), json={})
        token_of_here = self._stage.client(there)
        token_of_here.authorize(str(customer.token))
        token_of_here.call("GET", "customers/me", (401,))
        self._stage.narrator.remark(
            "the same e-mail address is another customer there, and a token of one opens nothing"
        )
