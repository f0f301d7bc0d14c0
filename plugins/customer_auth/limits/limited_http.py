"""Calls of other servers over HTTP, with limits of time and size, and without redirects."""

from __future__ import annotations

from time import monotonic
from typing import Any

import requests
from urllib3.exceptions import HTTPError

LONGEST_ANSWER = 1_000_000
"""Bytes."""

PART = 16_384


class LimitedSession(requests.Session):
    """A session whose answers are complete, small and in time, or raise an exception.

    It follows no redirect: the answer of another server must not choose what this server calls.
    """

    longest_s: float

    def limit(self, longest_s: float) -> None:
        """Set the limit of each wait, and of the whole answer, in seconds."""
        self.longest_s = longest_s
        self.headers.update({"User-Agent": "autonomy-server", "Accept-Encoding": "identity"})

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None: the answer is not followed."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send a request, and receive its answer.

        Raises:
            requests.RequestException: the server cannot be reached, or its answer is too slow or too long.
        """
        until = monotonic() + self.longest_s
        answer = super().send(request, **{**options, "timeout": self.longest_s, "stream": True})
        with answer:
            # What `Response.content` returns from now on.
            answer._content = _received(answer, until)  # noqa: SLF001 - requests offers no other way
            answer._content_consumed = True  # type: ignore[attr-defined] # noqa: SLF001 - likewise
        return answer


def _received(answer: requests.Response, until: float) -> bytes:
    content = b""
    try:
        # The time-out of requests is that of one read. A read of what has arrived keeps the limit.
        while part := answer.raw.read1(PART):
            content += part
            if monotonic() > until or len(content) > LONGEST_ANSWER:
                raise requests.Timeout("the answer is too slow or too long")
    except HTTPError as error:
        raise requests.ConnectionError(type(error).__name__) from error
    return content
