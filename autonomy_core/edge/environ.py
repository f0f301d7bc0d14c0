"""Converts an ASGI scope to a WSGI environ (PEP 3333)."""

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
"""Headers for authentication or content that must not occur twice. `require_host` checks Host."""

_WITHOUT_PREFIX = {"HTTP_CONTENT_TYPE": "CONTENT_TYPE", "HTTP_CONTENT_LENGTH": "CONTENT_LENGTH"}


def make_environ(scope: Scope) -> Environ:
    """The WSGI environ of a request, without its body. If headers are ambiguous, it contains a refusal.

    Args:
        scope: granian's ASGI scope, whose ``raw_path`` is the undecoded path.
    """
    raw_path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    server, port = scope["server"]
    peer = spelt_once(scope["client"][0])
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(raw_path).decode("latin-1") if "%" in raw_path else raw_path,
        "QUERY_STRING": query,
        "REQUEST_URI": f"{raw_path}?{query}" if query else raw_path,
        "SERVER_NAME": server,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.0" if scope["http_version"] == "1" else "HTTP/1.1",
        "REMOTE_ADDR": peer,
        # A trusted proxy replaces REMOTE_ADDR by the address of its client.
        "autonomy.peer": peer,
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
        # Without these headers, a request has no body (RFC 9112, section 6.3), so do not wait for one.
        environ["CONTENT_LENGTH"] = "0"
    # granian adds an empty Host header to requests without one.
    if not environ.get("HTTP_HOST") and environ["SERVER_PROTOCOL"] == "HTTP/1.0":
        environ.pop("HTTP_HOST", None)
    return environ


def _add(environ: Environ, key: str, value: str) -> None:
    if key not in environ:
        environ[key] = value
    elif key in ONCE:
        environ[REFUSAL] = Malformed(f"Send one {ONCE[key]} header.")
    else:
        # RFC 9110, section 5.3. Cookies contain commas, so they are joined with semicolons.
        environ[key] += (";" if key == "HTTP_COOKIE" else ",") + value


@lru_cache(maxsize=512)
def _key(name: bytes) -> str:
    # Ignore names with underscores: in WSGI, they look like names with hyphens, which only a proxy may set.
    if b"_" in name:
        return f"autonomy.ignored.{name.decode('latin-1')}"
    key = "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
    return _WITHOUT_PREFIX.get(key, key)
