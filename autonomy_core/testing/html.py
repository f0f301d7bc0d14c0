"""What must be true of every page: `misfits_of_page` is called for each HTML answer in the tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from justhtml import JustHTML
from webtest.response import TestResponse

_HEADING: Final = "h1"
_CONTROLS: Final = "input, select, textarea"
_LOADING: Final = {
    "audio": "src",
    "form": "action",
    "iframe": "src",
    "img": "src",
    "script": "src",
    "source": "src",
    "video": "src",
}
"""Attributes whose URLs a browser requests by itself, or to which it sends a form."""

_DATA: Final = frozenset({"application/ld+json", "application/json"})
_REFERENCES: Final = ("aria-describedby", "aria-labelledby", "aria-controls")


def misfits_of_page(response: TestResponse) -> Iterator[str]:
    """Yield what is wrong with an HTML answer, one sentence each.

    Args:
        response: the answer to a request of a page.
    """
    document: Any = JustHTML(response.text, collect_errors=True, sanitize=False)
    for error in document.errors:
        yield f"line {error.line}: {error.message}"
    yield from _of_document(document, response.text)
    yield from _of_controls(document)
    yield from _of_forms(document)
    yield from _of_elements(document, response.request.host)
    yield from _of_headers(response)


def _of_document(document: Any, text: str) -> Iterator[str]:
    if not text.lower().startswith(("<!doctype html>", "\n<!doctype html>")):
        yield "it begins with no doctype"
    if not document.query("html")[0].attrs.get("lang"):
        yield "the language is missing"
    if not any(title.to_text().strip() for title in document.query("head title")):
        yield "the title is missing"
    if (headings := len(document.query(_HEADING))) != 1:
        yield f"there are {headings} headings of the first level"
    if len(document.query("main")) != 1:
        yield "there is not one main"
    ids = [each.attrs["id"] for each in document.query("[id]")]
    yield from (f"the id {each!r} is there more than once" for each in {*ids} if ids.count(each) > 1)
    for name in _REFERENCES:
        for each in document.query(f"[{name}]"):
            yield from (
                f"{name} names {target!r}, which is not there"
                for target in each.attrs[name].split()
                if target not in ids
            )


def _of_controls(document: Any) -> Iterator[str]:
    labelled = {each.attrs.get("for") for each in document.query("label")}
    for each in document.query(_CONTROLS):
        is_hidden = each.attrs.get("type") in {"hidden", "submit", "button"}
        if not (is_hidden or each.attrs.get("id") in labelled or _is_named(each) or _is_in_label(each)):
            yield f"the field {each.attrs.get('name')!r} has no label"
    for each in document.query("a, button"):
        if not (_text_of(each) or _is_named(each)):
            yield f"an {each.name} has no text: {each.to_html()[:100]}"
    for each in document.query("img"):
        if "alt" not in each.attrs:
            yield f"a picture has no alternative text: {each.attrs.get('src')}"


def _of_forms(document: Any) -> Iterator[str]:
    for form in document.query("form"):
        is_post = form.attrs.get("method", "").lower() == "post"
        tokens = [each.attrs.get("value") for each in form.query("input[name=csrf_token]")]
        if is_post and not any(tokens):
            yield f"the form to {form.attrs.get('action')!r} has no token"
        if tokens and not is_post:
            yield "a form has its token in the URL"


def _of_elements(document: Any, host: str) -> Iterator[str]:
    for each in document.query("*"):
        attributes: dict[str, Any] = each.attrs
        if each.name == "style" or "style" in attributes:
            yield f"an inline style: {each.to_html()[:100]}"
        if each.name == "script" and "src" not in attributes and attributes.get("type") not in _DATA:
            yield "an inline script"
        yield from (f"an inline handler: {name}" for name in attributes if name.startswith("on"))
        urls = [attributes.get(_LOADING.get(each.name, ""))]
        if each.name == "link" and attributes.get("rel") != "canonical":
            urls.append(attributes.get("href"))
        urls += re.split(r"\s*,\s*|\s+", attributes.get("srcset") or "")
        for url in filter(None, urls):
            if urlsplit(url).netloc not in {"", host}:
                yield f"{each.name} loads from another host: {url}"
        target = urlsplit(attributes.get("href") or "")
        if target.scheme not in {"", "http", "https", "mailto"}:
            yield f"a link leads to {attributes['href']!r}"


def _of_headers(response: TestResponse) -> Iterator[str]:
    policy = response.headers.get("Content-Security-Policy", "")
    if "default-src 'none'" not in policy or "script-src 'self';" not in policy or "unsafe" in policy:
        yield f"the policy is {policy!r}"
    if response.headers.get("Referrer-Policy") != "same-origin":
        yield "the referrer policy is not that of pages"
    caching = response.headers.get("Cache-Control", "")
    if "Set-Cookie" in response.headers and not {"no-store", "private"} & {*re.split(r",\s*", caching)}:
        yield f"it sets a cookie and may be cached: {caching!r}"


def _text_of(element: Any) -> str:
    pictures = "".join(each.attrs.get("alt") or "" for each in element.query("img"))
    return str(element.to_text()).strip() + pictures


def _is_named(element: Any) -> bool:
    return bool(element.attrs.get("aria-label") or element.attrs.get("aria-labelledby"))


def _is_in_label(element: Any) -> bool:
    while (element := element.parent) is not None:
        if element.name == "label":
            return True
    return False
