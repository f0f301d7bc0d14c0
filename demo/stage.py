"""What all buyers of the story do: pay on the checkout page, and listen."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.client import Client, Narrator
from demo.places import Places
from demo.processes import DemoError, Processes
from demo.shop import Release, recording

COMPLETED_WITHIN_S = 60


@dataclass(frozen=True, slots=True)
class Stage:
    """Where one run of the story happens.

    Attributes:
        places: the addresses and files of the run.
        processes: the processes of the run.
        narrator: prints the transcript.
        products: the product id of each shop.
    """

    places: Places
    processes: Processes
    narrator: Narrator
    products: Mapping[str, str]

    def step(self, title: str) -> None:
        """Begin a step.

        Raises:
            DemoError: a process has stopped, even if no later step needs it.
        """
        self.processes.check()
        self.narrator.step(title)

    def client(self, shop: str) -> Client:
        """Return a client of a shop's API that is not logged in."""
        return Client(self.places.api(shop), self.narrator)

    def pay(self, buyer: Client, checkout_url: str) -> None:
        """Pay on a checkout page."""
        page = self.at_this_port(checkout_url)
        buyer.call("GET", page)
        paid = buyer.call("POST", page, (303, 409), data={"action": "pay"})
        if paid.status_code == 409:
            self.narrator.remark("an earlier run was interrupted after this was paid")

    def at_this_port(self, checkout_url: str) -> str:
        """Return the address of a checkout page. The simulator has another port in each run."""
        return self.places.simulator + checkout_url[checkout_url.index("/c/pay/") :]

    def wait_for_payment(self, find_payment: Callable[[], Mapping[str, Any]]) -> None:
        """Wait until a payment is completed.

        Args:
            find_payment: asks the server for the payment.

        Raises:
            DemoError: it is not completed in time.
        """
        deadline = time.monotonic() + COMPLETED_WITHIN_S
        while time.monotonic() < deadline:
            payment = find_payment()
            if payment["status"] == "completed":
                self.narrator.remark(f"payment {payment['id']}: completed")
                return
            self.processes.check()
            time.sleep(0.2)
        raise DemoError("Stripe's webhook has not completed the payment.")

    def delivery(self, shop: str) -> str:
        """Return the server's response to the newest webhook, from the simulator's ledger."""
        ledger = Client(self.places.simulator, self.narrator).call("GET", "_simulator/ledger").json()
        for delivery in ledger["deliveries"]:
            if delivery["url"].endswith(f"/{shop}") and delivery["attempts"]:
                return f"{delivery['type']}, answered {delivery['attempts'][-1]['status']}"
        return "not seen"

    def listen(self, release: Release, customer: Client) -> None:
        """Stream all that a customer owns.

        Raises:
            DemoError: the customer owns something else than the release, or gets other bytes.
        """
        product_id = self.products[release.shop]
        owned = [item["id"] for item in customer.call("GET", "customers/products").json()["items"]]
        if owned != [product_id]:
            raise DemoError(f"expected to own {product_id} alone, not {owned}")
        tracks = customer.call("GET", f"customers/products/{product_id}/tracks").json()["items"]
        originals = {piece.title: recording(self.places, piece) for piece in release.pieces}
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
        self.narrator.remark(
            f"{track['title']}: {len(expected):,} bytes in two ranges, equal to the original (sha256 "
            f"{digest}…)"
        )
