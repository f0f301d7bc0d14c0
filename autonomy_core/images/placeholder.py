"""The picture of a thing without an image: an SVG of its title, on a colour that follows from the title.

The URL has the title in it, with a signature, so that the server shows only titles of the organisation.
Nothing is stored.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import textwrap
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from autonomy_core.images.domain import colour_of_text
from autonomy_core.kernel.keys import organisation_key, organisation_keys
from autonomy_core.kernel.scope import TenantScope

SIDE: Final = 1200
LONGEST_TEXT: Final = 80
SUFFIX: Final = ".svg"
PATTERN: Final = r"^[A-Za-z0-9_-]*\.[A-Za-z0-9_-]{16}\.svg$"

_PURPOSE: Final = "images.placeholder"
_SIGNATURE_BYTES: Final = 12
_LINE_CHARACTERS: Final = 14
_MOST_LINES: Final = 5
_FONT: Final = 110
_LINE_HEIGHT: Final = 140


class Placeholders:
    """Names the placeholders of one organisation. The key is derived once, for a list of things.

    Args:
        scope: the organisation's scope.
    """

    def __init__(self, scope: TenantScope) -> None:
        self._key = organisation_key(scope, _PURPOSE)

    def name(self, title: str) -> str:
        """The last segment of the URL of a title's placeholder."""
        text = shown(title).encode()
        return f"{_encoded(text)}.{_signature(self._key, text)}{SUFFIX}"


def text_of(scope: TenantScope, name: str) -> str | None:
    """The text of a placeholder, by the last segment of its URL; None unless this server has signed it."""
    content, _, signature = name.removesuffix(SUFFIX).partition(".")
    try:
        text = base64.b64decode(content + "=" * (-len(content) % 4), altchars=b"-_", validate=True)
        if _encoded(text) != content:
            return None
        keys = organisation_keys(scope, _PURPOSE)
        valid = [hmac.compare_digest(_signature(key, text).encode(), signature.encode()) for key in keys]
        return text.decode() if name.endswith(SUFFIX) and any(valid) else None
    except ValueError:
        return None


def shown(title: str) -> str:
    """The part of a title that a placeholder shows: printable characters, `LONGEST_TEXT` at most."""
    words = "".join(one if one.isprintable() else " " for one in title).split()
    return textwrap.shorten(" ".join(words), LONGEST_TEXT, placeholder=" …") or " ".join(words)[:LONGEST_TEXT]


def svg(text: str) -> bytes:
    """The picture, of `SIDE` x `SIDE` units.

    Args:
        text: of the title, see `shown`.
    """
    lines = textwrap.wrap(text, _LINE_CHARACTERS)[:_MOST_LINES]
    top = SIDE / 2 - _LINE_HEIGHT * (len(lines) - 1) / 2
    spans = "".join(
        f'<tspan x="{SIDE // 2}" y="{top + _LINE_HEIGHT * number:g}">{escape(line)}</tspan>'
        for number, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}" width="{SIDE}" height="{SIDE}"'
        f' role="img" aria-label={quoteattr(text)}>'
        f'<rect width="{SIDE}" height="{SIDE}" fill="{colour_of_text(text)}"/>'
        f'<text fill="#ffffff" font-family="sans-serif" font-size="{_FONT}" text-anchor="middle"'
        f' dominant-baseline="central">{spans}</text></svg>\n'
    ).encode()


def etag_of(content: bytes) -> str:
    """The entity tag, without quotes."""
    return hashlib.sha256(content).hexdigest()


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _signature(key: bytes, text: bytes) -> str:
    return _encoded(hmac.digest(key, text, "sha256")[:_SIGNATURE_BYTES])
