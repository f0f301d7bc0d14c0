"""The buyer: a new customer in each run, so that each run shows a complete purchase."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from demo.places import Places, write_whole

PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True)
class Customer:
    """The customer of one run, registered in both shops.

    Attributes:
        number: from 1; it is incremented after a complete run.
    """

    number: int

    @property
    def email(self) -> str:
        """The e-mail address."""
        return f"ada+{self.number}@example.org"


def customer_of_this_run(places: Places) -> Customer:
    """Return the customer of an interrupted run, or a new one."""
    kept = _kept(places)
    return Customer(int(kept.read_text("utf-8")) if kept.exists() else 1)


def finish_customer(places: Places, customer: Customer) -> None:
    """Let the next run use a new customer."""
    write_whole(_kept(places), str(customer.number + 1).encode())


def _kept(places: Places) -> Path:
    return places.directory / "customer"
