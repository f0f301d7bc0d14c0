"""An HTTP client that writes each request down as it happens."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from rich.console import Console
from rich.markup import escape

from demo.processes import DemoError

TIMEOUT_S = 30


class Narrator:
    """Writes the transcript.

    Args:
        console: where to.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._number = 0

    def step(self, title: str) -> None:
        """Begin a step."""
        self._number += 1
        self._console.print(f"\n[bold]{self._number}. {escape(title)}[/bold]")

    def exchange(self, response: requests.Response) -> None:
        """Write down a request and the status of its answer."""
        parts = urlsplit(response.request.url or "")
        # Of a signed link the path is enough: the rest would let a reader of the transcript listen.
        target = parts.path + ("?…" if parts.query else "")
        if parts.port is not None and "/c/pay/" in parts.path:
            target = f"(checkout page) {parts.path}"
        if "Range" in response.request.headers:
            target += f"  ({response.request.headers['Range']})"
        colour = "green" if response.ok or response.is_redirect else "yellow"
        self._console.print(
            f"   {response.request.method:<5} {escape(target)}  "
            f"[{colour}]{response.status_code} {escape(response.reason)}[/{colour}]",
            soft_wrap=True,
        )

    def note(self, text: str) -> None:
        """Say what came of it."""
        self._console.print(f"         [dim]{escape(text)}[/dim]", soft_wrap=True)


class Client:
    """One party's connection to one API.

    Args:
        base: the API's address.
        narrator: writes its requests down.
    """

    def __init__(self, base: str, narrator: Narrator) -> None:
        self._base = base
        self._narrator = narrator
        self._session = requests.Session()
        self.token: str | None = None

    def authorize(self, token: str) -> None:
        """Send a bearer token from now on."""
        self.token = token
        self._session.headers["Authorization"] = f"Bearer {token}"

    def call(
        self, method: str, path: str, expect: tuple[int, ...] = (200,), **options: Any
    ) -> requests.Response:
        """Make a request and write it down.

        Args:
            path: below the API's address, or a whole URL.
            expect: the statuses that are right.
            options: as `requests.request` takes them.

        Raises:
            DemoError: the answer has another status.
        """
        url = path if path.startswith("http") else f"{self._base}/{path}"
        options = {"timeout": TIMEOUT_S, "allow_redirects": False, **options}
        response = self._session.request(method, url, **options)
        self._narrator.exchange(response)
        if response.status_code not in expect:
            raise DemoError(
                f"{method} {url}: expected {expect}, got {response.status_code}: {response.text[:500]}"
            )
        return response
