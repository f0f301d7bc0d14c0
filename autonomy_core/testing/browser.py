"""Requests pages as a browser does: with its headers, its cookies and its forms."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from webtest.response import TestResponse

ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


class Browser:
    """A browser without scripts.

    Args:
        app: the WebTest client; it checks each answer.
        origin: scheme and host of the pages, such as ``https://acme.example``.

    Attributes:
        headers: what the browser sends with each request.
    """

    def __init__(self, app: Any, origin: str) -> None:
        self._app, self.origin = app, origin
        parts = urlsplit(origin)
        self.headers = {"Accept": ACCEPT, "Host": parts.netloc, "Accept-Language": "en"}
        self._environ = {"wsgi.url_scheme": parts.scheme, "HTTP_HOST": parts.netloc}
        self.cookies: dict[str, str] = {}

    def get(
        self, path: str, query: Any = None, *, headers: dict[str, str] | None = None, **options: Any
    ) -> TestResponse:
        """Open a page.

        Args:
            path: the path, which may have a query.
            query: names and values of the query.
            headers: further headers.
            options: of WebTest, such as ``status``.
        """
        sent = {**self.headers, **self._cookie_header(), **(headers or {})}
        environ = dict(self._environ)
        return self._keep(self._app.get(path, query, headers=sent, extra_environ=environ, **options))

    def post(
        self, path: str, values: Any, *, headers: dict[str, str] | None = None, **options: Any
    ) -> TestResponse:
        """Send values as a form, with the origin of the pages. The token is among the values, or missing."""
        own = {"Origin": self.origin, "Sec-Fetch-Site": "same-origin"}
        sent = {**self.headers, **own, **self._cookie_header(), **(headers or {})}
        return self._keep(
            self._app.post(path, values, headers=sent, extra_environ=dict(self._environ), **options)
        )

    def submit(self, page: TestResponse, values: dict[str, Any], **options: Any) -> TestResponse:
        """Fill in the first form of a page that posts and has these fields, and send it.

        Args:
            page: the page.
            values: by name; other fields are sent as they are.
            options: see `post`.
        """
        form = next(
            each
            for each in page.forms.values()
            if each.method.lower() == "post" and values.keys() <= each.fields.keys()
        )
        for name, value in values.items():
            form[name] = value
        return self.post(form.action, form.submit_fields(), **options)

    def _cookie_header(self) -> dict[str, str]:
        if not self.cookies:
            return {}
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}

    def _keep(self, response: TestResponse) -> TestResponse:
        # WebTest's own jar would keep the cookies of other browsers, and send none that are `Secure`.
        self._app.reset()
        for each in response.headers.getall("Set-Cookie"):
            pair, *attributes = each.split("; ")
            name, _, value = pair.partition("=")
            if "Max-Age=0" in attributes:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return response
