"""The organisations of the benchmark, their products, and the requests for them."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from email.message import Message
from typing import Any

from bench.contender import Contender, Timing
from bench.database import VoidRun
from bench.load import get_request

COUNT = 32
PRODUCTS = 100
"""Of each organisation."""

LISTED = 20
PATH = f"/api/v1/products?limit={LISTED}"


def organisation(number: int) -> str:
    """Return the id of the organisation that a task asks."""
    return f"shop-{number % COUNT:02}"


def host(number: int) -> str:
    """Return its host."""
    return f"{organisation(number)}.example"


def titles(number: int) -> list[str]:
    """Return the titles that the list of an organisation has, the newest first."""
    last = PRODUCTS - LISTED
    return [f"{organisation(number)} {product:03}" for product in range(PRODUCTS - 1, last - 1, -1)]


def request(number: int, path: str = PATH, **headers: str) -> bytes:
    """Return the request of a task."""
    return get_request(path, {"Host": host(number), **headers})


def contender(
    name: str, url: str, run: Callable[[range], Timing], etags: dict[str, str] | None = None
) -> Contender:
    """Return a contender that answers every organisation's list rightly before each round.

    Args:
        name: the name in the table.
        url: of its server.
        run: does the tasks.
        etags: gets the entity tag of each organisation's list.
    """

    def prepare(_: range) -> None:
        for number in range(COUNT):
            headers, answer = ask(url, number)
            found = [item["title"] for item in answer["items"]]
            if found != titles(number):
                raise VoidRun(f"{name} answers for {organisation(number)}: {found}")
            if etags is not None:
                etags[organisation(number)] = headers["ETag"]

    # A task has no lasting result. The client stops at an answer that is no success.
    return Contender(name, prepare, run, dict)


def ask(url: str, number: int) -> tuple[Message, dict[str, Any]]:
    """Return the headers and the content of an organisation's list."""
    asked = urllib.request.Request(url + PATH, headers={"Host": host(number)})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return answer.headers, json.load(answer)
