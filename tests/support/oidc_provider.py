"""A real provider of identities in a process of its own: oidc-provider-mock, from PyPI."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep
from urllib.parse import parse_qs, urlsplit

import requests

LONGEST_START_S = 60
LONGEST_ANSWER_S = 30


@dataclass(frozen=True)
class OidcProvider:
    """A running provider.

    Attributes:
        issuer: its URL.
    """

    issuer: str

    def user(self, subject: str, **claims: object) -> None:
        """Add a user, or change one."""
        answer = requests.put(f"{self.issuer}/users/{subject}", json=claims, timeout=LONGEST_ANSWER_S)
        answer.raise_for_status()

    def log_in(self, url: str, subject: str) -> dict[str, str]:
        """Log in as a user at the address that a page was sent to; return what it returns to the page."""
        answer = requests.post(url, data={"sub": subject}, allow_redirects=False, timeout=LONGEST_ANSWER_S)
        assert answer.status_code == 302, answer.text
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
        return {name: value for name, (value,) in query.items()}


@contextmanager
def running_provider() -> Iterator[OidcProvider]:
    """Run a provider until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", port, "--require-nonce"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        issuer = f"http://127.0.0.1:{port}"
        _wait_for(process, issuer)
        yield OidcProvider(issuer)
    finally:
        process.kill()
        process.wait()


def _wait_for(process: subprocess.Popen[bytes], issuer: str) -> None:
    until = monotonic() + LONGEST_START_S
    while True:
        assert process.poll() is None, "the provider has ended"
        try:
            requests.get(f"{issuer}/jwks", timeout=LONGEST_ANSWER_S).raise_for_status()
        except requests.ConnectionError:
            assert monotonic() < until, "the provider does not answer"
            sleep(0.1)
        else:
            return
