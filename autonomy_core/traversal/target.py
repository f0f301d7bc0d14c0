"""What is decided of a request before traversal: refusals by the server in front, and what WSGI does not check."""

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
"""Headers, as WSGI and as WebOb name them."""

REFUSAL = "autonomy.refusal"
"""The key of the environment with an `AutonomyError`: the server in front refuses the request, and the application
answers for it, so that the answer is a problem like any other, with CORS headers, a line of log, and counted."""


LARGEST_BODY = "autonomy.largest_body"
"""The key of the environment with an object whose ``most_bytes`` a view raises for a body that is large."""


def refused(environ: Mapping[str, Any], error: AutonomyError) -> dict[str, Any]:
    """The environment of a request that is refused, without its body."""
    kept = {name: value for name, value in environ.items() if name != "HTTP_TRANSFER_ENCODING"}
    return kept | {REFUSAL: error, "CONTENT_LENGTH": "0", "wsgi.input": io.BytesIO()}


def check_target(environ: MutableMapping[str, Any]) -> None:
    """Check what must hold before traversal begins.

    Raises:
        AutonomyError: the server in front has refused the request.
        Malformed: the request names no host, or more than one.
        NotFound: the path is another spelling of a path.
    """
    if (refusal := environ.get(REFUSAL)) is not None:
        raise refusal
    require_host(environ)
    overlook_unreadable_conditions(environ)
    if not has_one_spelling(environ):
        raise NotFound


def overlook_unreadable_conditions(environ: MutableMapping[str, Any]) -> None:
    """Remove headers that make a request conditional, or ask for a part, and cannot be read.

    They are to be ignored (RFC 9110, sections 13.1.3, 13.1.5 and 14.2); WebOb raises, when the answer is already being sent.
    """
    for name, attribute in CONDITIONS.items():
        if name in environ:
            try:
                getattr(BaseRequest(environ), attribute)
            except (ValueError, OverflowError):
                del environ[name]


def require_host(environ: Mapping[str, Any]) -> None:
    """Check that a request names one host. WSGI servers join two Host headers with a comma.

    Source: RFC 9112, section 3.2. HTTP/1.0 knows no Host header.

    Raises:
        Malformed: it names none, more than one, or what is no host.
    """
    host = environ.get("HTTP_HOST")
    if host is None and environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
        return
    if host is None or not _HOST.fullmatch(host):
        raise Malformed("Send one Host header, with a host name and at most a port.")


def has_one_spelling(environ: Mapping[str, Any]) -> bool:
    """Whether nothing of a path is overlooked on the way through the tree.

    Pyramid walks ``/shop//api``, ``/shop/./api`` and ``/nothing/../shop/api`` to where ``/shop/api`` leads. A proxy in front
    of the server, which tells paths apart, would have seen another path.
    """
    segments = environ.get("PATH_INFO", "").split("/")[1:]
    # An empty one at the end is a slash at the end.
    if "" in segments[:-1] or not {".", ".."}.isdisjoint(segments):
        return False
    return not has_encoded_slash(environ)


def has_encoded_slash(environ: Mapping[str, Any]) -> bool:
    """Whether the path contains ``%2F``. ``PATH_INFO`` is decoded, and cannot tell it from a slash.

    Args:
        environ: of a server that gives the target as it came, in ``REQUEST_URI`` (`autonomy serve`, waitress, uWSGI)
            or ``RAW_URI`` (gunicorn). With any other an encoded slash counts as a slash.
    """
    target = str(environ.get("REQUEST_URI") or environ.get("RAW_URI") or "")
    return "%2f" in target.partition("?")[0].lower()
