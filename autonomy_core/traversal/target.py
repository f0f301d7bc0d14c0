"""Checks of a request before traversal: what the edge rejects, and what WSGI does not check."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, MutableMapping
from typing import Any

from webob.request import BaseRequest

from autonomy_core.errors import AutonomyError, Malformed, NotFound

_HOST = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")


CONDITIONS = {
    "HTTP_IF_MODIFIED_SINCE": "if_modified_since",
    "HTTP_IF_UNMODIFIED_SINCE": "if_unmodified_since",
    "HTTP_IF_RANGE": "if_range",
    "HTTP_RANGE": "range",
}
"""Names of headers in WSGI, and of their attributes in WebOb."""

REFUSAL = "autonomy.refusal"
"""The environ key of an `AutonomyError` with which the edge has rejected the request.

The application answers it, so that the answer has the format of all errors and CORS headers, and is logged
and counted.
"""


VIRTUAL_ROOT = "HTTP_X_VHM_ROOT"
"""A header with which a client would choose where Pyramid's traversal begins.

The path alone names what a request is for: answers are kept by it, and cookies are read by it.
"""


LARGEST_BODY = "autonomy.largest_body"
"""The environ key of an object with the attributes ``most_bytes`` and ``keeps_part``.

Views set them to accept a large body, and a part of one.
"""


def refused(environ: Mapping[str, Any], error: AutonomyError) -> dict[str, Any]:
    """The environ of a rejected request, without its body."""
    kept = {name: value for name, value in environ.items() if name != "HTTP_TRANSFER_ENCODING"}
    return kept | {REFUSAL: error, "CONTENT_LENGTH": "0", "wsgi.input": io.BytesIO()}


def check_target(environ: MutableMapping[str, Any]) -> None:
    """Check a request before traversal, and remove headers that must not have an effect.

    Raises:
        AutonomyError: the edge has rejected the request.
        Malformed: there is no valid Host header, or more than one.
        NotFound: the path is not in its canonical form.
    """
    if (refusal := environ.get(REFUSAL)) is not None:
        raise refusal
    require_host(environ)
    environ.pop(VIRTUAL_ROOT, None)
    overlook_unreadable_conditions(environ)
    if not has_one_spelling(environ):
        raise NotFound


def overlook_unreadable_conditions(environ: MutableMapping[str, Any]) -> None:
    """Remove invalid conditional and range headers.

    They must be ignored (RFC 9110, sections 13.1.3, 13.1.5 and 14.2), but WebOb raises, even while it sends
    the answer.
    """
    for name, attribute in CONDITIONS.items():
        if name in environ:
            try:
                getattr(BaseRequest(environ), attribute)
            except (ValueError, OverflowError):
                del environ[name]


def require_host(environ: Mapping[str, Any]) -> None:
    """Check that the request names exactly one host. WSGI servers join two Host headers with a comma.

    Source: RFC 9112, section 3.2. HTTP/1.0 has no Host header.

    Raises:
        Malformed: the Host header is missing, duplicate or invalid.
    """
    host = environ.get("HTTP_HOST")
    if host is None and environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        return
    if host is None or not _HOST.fullmatch(host):
        raise Malformed("Send one Host header, with a host name and at most a port.")


def has_one_spelling(environ: Mapping[str, Any]) -> bool:
    """Whether the path is in its canonical form.

    Pyramid treats ``/shop//api``, ``/shop/./api`` and ``/nothing/../shop/api`` like ``/shop/api``. A proxy
    that filters by path would treat them differently.
    """
    segments = environ.get("PATH_INFO", "").split("/")[1:]
    # An empty last segment is a trailing slash.
    if "" in segments[:-1] or not {".", ".."}.isdisjoint(segments):
        return False
    return not has_encoded_slash(environ)


def has_encoded_slash(environ: Mapping[str, Any]) -> bool:
    """Whether the path contains ``%2F``. ``PATH_INFO`` is decoded, so a slash looks the same there.

    Args:
        environ: the WSGI environ. The undecoded target is in ``REQUEST_URI`` (`autonomy serve`, waitress,
            uWSGI) or in ``RAW_URI`` (gunicorn). With other servers, an encoded slash counts as a slash.
    """
    target = str(environ.get("REQUEST_URI") or environ.get("RAW_URI") or "")
    return "%2f" in target.partition("?")[0].lower()
