"""The mailbox of a customer: waits for mail, prints it, and follows its link."""

from __future__ import annotations

import re
import time
from urllib.parse import parse_qs, urlsplit

from demo.client import Narrator
from demo.mail_server import Received
from demo.processes import DemoError, Processes

ARRIVES_WITHIN_S = 60
LINK = re.compile(r"https?://[^\s\"<>]+#purpose=\w+&token=[\w-]+")


class Mailbox:
    """The mail that the demonstration's mail server gets for one address.

    Args:
        address: the address.
        processes: the processes of the run.
        narrator: prints the mail.
        arrives_within_s: how long a mail is waited for.
    """

    def __init__(
        self,
        address: str,
        processes: Processes,
        narrator: Narrator,
        arrives_within_s: float = ARRIVES_WITHIN_S,
    ) -> None:
        self._address = address
        self._processes = processes
        self._narrator = narrator
        self._arrives_within_s = arrives_within_s

    def wait_for_link(self, purpose: str) -> str:
        """Wait for a mail with a link of a purpose, print the mail, and return the link.

        Raises:
            DemoError: the mail does not arrive.
        """
        deadline = time.monotonic() + self._arrives_within_s
        while time.monotonic() < deadline:
            self._processes.check()
            received = self._processes.mail.find(lambda mail: self._has_link(mail, purpose), within_s=1)
            if received is not None:
                link = _link_in(received)
                self._narrator.mail(received, link)
                return link
        raise DemoError(f"No mail with the link {purpose!r} has arrived for {self._address}.")

    def _has_link(self, received: Received, purpose: str) -> bool:
        return received.recipient == self._address and f"#purpose={purpose}&" in _link_in(received)

    @staticmethod
    def token_of(link: str) -> str:
        """Return the token of a link, which a browser sends to no server."""
        [token] = parse_qs(urlsplit(link).fragment)["token"]
        return token


def _link_in(received: Received) -> str:
    """Return the link in a mail's text; empty without one."""
    body = received.message.get_body(("plain",))
    found = LINK.search(str(body.get_content())) if body is not None else None
    return found.group() if found else ""
