"""An HTTP client that prints each request."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from rich.console import Console
from rich.markup import escape

from demo.mail_server import Received
from demo.processes import DemoError

TIMEOUT_S = 30


class Narrator:
    """Prints the transcript.

    Args:
        console: the output.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._number = 0

    def step(self, title: str) -> None:
        """Begin a step."""
        self._number += 1
        self._console.print(f"\n[bold]{self._number}. {escape(title)}[/bold]")

    def exchange(self, response: requests.Response) -> None:
        """Print a request and the status of its response."""
        parts = urlsplit(response.request.url or "")
        # Omit the query of a signed link: with it, a reader of the transcript could listen.
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

    def mail(self, received: Received, link: str) -> None:
        """Print a mail that has arrived."""
        message = received.message
        self._console.print(
            f"   MAIL  {escape(str(message['From']))} to {escape(received.recipient)}", soft_wrap=True
        )
        self.remark(str(message["Subject"]))
        # Omit the token, as of a signed link.
        self.remark(f"{link.partition('token=')[0]}token=…")

    def remark(self, text: str) -> None:
        """Print a remark about the result."""
        self._console.print(f"         [dim]{escape(text)}[/dim]", soft_wrap=True)


class Client:
    """One party's connection to one API.

    Args:
        base: the API's address.
        narrator: prints the requests.
    """

    def __init__(self, base: str, narrator: Narrator) -> None:
        self._base = base
        self._narrator = narrator
        self._session = requests.Session()
        self.token: str | None = None

    def authorize(self, token: str) -> None:
        """Send a bearer token with all further requests."""
        self.token = token
        self._session.headers["Authorization"] = f"Bearer {token}"

    def peek(self, path: str) -> dict[str, Any]:
        """Return an answer without printing the request, for what is asked again and again.

        Raises:
            DemoError: the response has another status than 200.
        """
        response = self._session.get(f"{self._base}/{path}", timeout=TIMEOUT_S)
        if response.status_code != 200:
            raise DemoError(f"GET {response.url}: got {response.status_code}: {response.text[:500]}")
        answer: dict[str, Any] = response.json()
        return answer

    def call(
        self, method: str, path: str, expect: tuple[int, ...] = (200,), **options: Any
    ) -> requests.Response:
        """Make a request and print it.

        Args:
            method: the HTTP method.
            path: a path below the API's address, or a complete URL.
            expect: the accepted statuses.
            options: further arguments of `requests.request`.

        Raises:
            DemoError: the response has another status.
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
