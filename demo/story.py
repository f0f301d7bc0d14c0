"""The main job, step by step: a customer of one shop buys an MP3 and listens to it; another shop stays apart."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

from demo.client import Client, Narrator
from demo.customer import PASSWORD, customer_of_this_run, has_been_served
from demo.places import SHOPS, Places
from demo.processes import DemoError, Processes
from demo.shop import RELEASES, Release, recording

GRANTED_WITHIN_S = 60


class Story:
    """One telling.

    Args:
        places, processes: of this run.
        narrator: writes it down.
        products: the product's id of each shop.

    Attributes:
        customer: of this run; an interrupted run's, if there is one.
    """

    def __init__(
        self, places: Places, processes: Processes, narrator: Narrator, products: dict[str, str]
    ) -> None:
        self._places = places
        self._processes = processes
        self._narrator = narrator
        self._products = products
        self.customer = customer_of_this_run(places)

    def tell(self) -> None:
        """Tell it.

        Raises:
            DemoError: a step did not hold.
        """
        for release in RELEASES:
            self._step(f"{release.shop}: a customer registers, and logs in")
            self._register(release.shop)
            customer = self._log_in(release.shop)
            self._buy(release, customer)
            self._listen(release, customer)
        self._stay_apart()
        self._processes.check()
        has_been_served(self._places, self.customer)

    def _step(self, title: str) -> None:
        # A part that has stopped may not be missed by the story, and is told all the same.
        self._processes.check()
        self._narrator.step(title)

    def _register(self, shop: str) -> None:
        client = Client(self._places.api(shop), self._narrator)
        who = {"email": self.customer.email, "password": PASSWORD, "name": "Ada"}
        answer = client.call("POST", "customers/register", (201, 409), json=who)
        if answer.status_code == 409:
            self._narrator.note("an earlier run was interrupted; its customer goes on")

    def _log_in(self, shop: str) -> Client:
        client = Client(self._places.api(shop), self._narrator)
        who = {"email": self.customer.email, "password": PASSWORD}
        tokens = client.call("POST", "customers/login", json=who).json()
        client.authorize(tokens["access_token"])
        return client

    def _buy(self, release: Release, customer: Client) -> None:
        narrator, product_id = self._narrator, self._products[release.shop]
        self._step(f"{release.shop}: looks at what there is, and buys {release.title}")
        listed = {item["id"]: item for item in customer.call("GET", "products").json()["items"]}
        if product_id not in listed:
            raise DemoError(f"{release.title} is not in the catalogue.")
        narrator.note(f"{release.title}: {release.amount / 100:.2f} {listed[product_id]['currency'].upper()}")
        checkout_url = self._checkout(customer, product_id)
        self._step(f"{release.shop}: pays on the checkout page, and Stripe posts its webhook")
        if checkout_url is None:
            narrator.note("paid before an earlier run was interrupted; nobody pays twice")
            return
        customer.call("GET", checkout_url)
        paid = customer.call("POST", checkout_url, (303, 409), data={"action": "pay"})
        if paid.status_code == 409:
            narrator.note("an earlier run was interrupted after this was paid")
        self._wait_for_payment(customer)
        narrator.note(f"POST /api/webhook/stripe/{release.shop}: {self._delivery(release.shop)}")
        session = checkout_url.rpartition("/")[2]
        customer.call("GET", f"checkout/stripe/return?session_id={session}", (303,))

    def _checkout(self, customer: Client, product_id: str) -> str | None:
        """The checkout page of a purchase, of an interrupted run's where there is one; None for what is owned."""
        answer = customer.call("POST", f"customers/products/{product_id}/purchase", (200, 201, 409), json={})
        if answer.status_code == 409:
            return None
        if answer.status_code == 200:
            self._narrator.note("an earlier run was interrupted; its checkout is still open")
        bought = answer.json()
        self._narrator.note(f"payment {bought['payment']['id']}: {bought['payment']['status']}")
        return self._at_this_port(bought["checkout_url"])

    def _at_this_port(self, checkout_url: str) -> str:
        # Each run's simulator has a port of its own.
        return self._places.simulator + checkout_url[checkout_url.index("/c/pay/") :]

    def _payments(self, customer: Client) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = customer.call("GET", "customers/payments").json()["items"]
        return items

    def _wait_for_payment(self, customer: Client) -> None:
        deadline = time.monotonic() + GRANTED_WITHIN_S
        while time.monotonic() < deadline:
            newest = self._payments(customer)[0]
            if newest["status"] == "completed":
                self._narrator.note(f"payment {newest['id']}: completed")
                return
            self._processes.check()
            time.sleep(0.2)
        raise DemoError("Stripe's webhook has not completed the payment.")

    def _delivery(self, shop: str) -> str:
        """How the server answered the newest webhook, as the simulator's books have it."""
        books = Client(self._places.simulator, self._narrator).call("GET", "_simulator/books").json()
        for delivery in books["deliveries"]:
            if delivery["url"].endswith(f"/{shop}") and delivery["attempts"]:
                return f"{delivery['type']}, answered {delivery['attempts'][-1]['status']}"
        return "not seen"

    def _listen(self, release: Release, customer: Client) -> None:
        product_id = self._products[release.shop]
        self._step(f"{release.shop}: owns {release.title}, and listens")
        owned = [item["id"] for item in customer.call("GET", "customers/products").json()["items"]]
        if owned != [product_id]:
            raise DemoError(f"expected to own {product_id} alone, not {owned}")
        tracks = customer.call("GET", f"customers/products/{product_id}/tracks").json()["items"]
        originals = {piece.title: recording(self._places, piece) for piece in release.pieces}
        for track in tracks:
            self._compare(customer, track, originals[track["title"]])

    def _compare(self, customer: Client, track: dict[str, Any], original: Path) -> None:
        expected = original.read_bytes()
        middle = len(expected) // 2
        first = customer.call("GET", track["stream_url"], (206,), headers={"Range": f"bytes=0-{middle - 1}"})
        rest = customer.call(
            "GET",
            track["stream_url"],
            (206,),
            headers={"Range": f"bytes={middle}-", "If-Range": first.headers["ETag"]},
        )
        if first.content + rest.content != expected:
            raise DemoError(f"{track['title']}: the streamed bytes are not those that were uploaded.")
        digest = hashlib.sha256(expected).hexdigest()[:16]
        self._narrator.note(
            f"{track['title']}: {len(expected):,} bytes in two ranges, equal to the original (sha256 {digest}…)"
        )

    def _stay_apart(self) -> None:
        here, there = SHOPS
        self._step(f"{there} stays strictly apart from {here}")
        customer = self._log_in(here)
        foreign = self._products[there]
        customer.call("GET", f"products/{foreign}", (404,))
        customer.call("POST", f"customers/products/{foreign}/purchase", (404,), json={})
        token_of_here = Client(self._places.api(there), self._narrator)
        token_of_here.authorize(str(customer.token))
        token_of_here.call("GET", "customers/me", (401,))
        self._narrator.note(
            "the same e-mail address is another customer there, and a token of one opens nothing"
        )
