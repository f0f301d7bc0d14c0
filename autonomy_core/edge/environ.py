"""From an ASGI scope to a WSGI environment (PEP 3333)."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

from autonomy_core.addresses import spelt_once
from autonomy_core.errors import Malformed
from autonomy_core.traversal.target import REFUSAL

Scope = MutableMapping[str, Any]
Environ = dict[str, Any]

ONCE = {
    "HTTP_AUTHORIZATION": "Authorization",
    "CONTENT_TYPE": "Content-Type",
    "HTTP_IDEMPOTENCY_KEY": "Idempotency-Key",
    "HTTP_STRIPE_SIGNATURE": "Stripe-Signature",
}
"""Headers that say who asks, or what for, and may be there once. Of Host `require_host` says so."""

_WITHOUT_PREFIX = {"HTTP_CONTENT_TYPE": "CONTENT_TYPE", "HTTP_CONTENT_LENGTH": "CONTENT_LENGTH"}


def make_environ(scope: Scope) -> Environ:
    """The environment of a request, without its body; with a refusal in it if its head has two meanings.

    Args:
        scope: of granian's, whose ``raw_path`` is the path as it came.
    """
    raw_path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    server, port = scope["server"]
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(raw_path).decode("latin-1") if "%" in raw_path else raw_path,
        "QUERY_STRING": query,
        "REQUEST_URI": f"{raw_path}?{query}" if query else raw_path,
        "SERVER_NAME": server,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.0" if scope["http_version"] == "1" else "HTTP/1.1",
        "REMOTE_ADDR": spelt_once(scope["client"][0]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        "webob.is_body_seekable": True,
    }
    for name, value in scope["headers"]:
        _add(environ, _key(name), value.decode("latin-1"))
    if scope["http_version"] != "2" and not {"CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"} & environ.keys():
        # Such a request has no body (RFC 9112, 6.3), and none has to be waited for.
        environ["CONTENT_LENGTH"] = "0"
    # granian adds an empty one where there is none.
    if not environ.get("HTTP_HOST") and environ["SERVER_PROTOCOL"] == "HTTP/1.0":
        environ.pop("HTTP_HOST", None)
    return environ


def _add(environ: Environ, key: str, value: str) -> None:
    if key not in environ:
        environ[key] = value
    elif key in ONCE:
        environ[REFUSAL] = Malformed(f"Send one {ONCE[key]} header.")
    else:
        # Section 5.3 of RFC 9110; cookies cannot be joined by commas.
        environ[key] += (";" if key == "HTTP_COOKIE" else ",") + value


@lru_cache(maxsize=512)
def _key(name: bytes) -> str:
    # A name with an underscore would pass for another with a hyphen, such as one that only a proxy may set.
    if b"_" in name:
        return f"autonomy.ignored.{name.decode('latin-1')}"
    key = "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
    return _WITHOUT_PREFIX.get(key, key)
