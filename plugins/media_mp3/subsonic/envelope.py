"""The envelope of every answer that is no file, as XML and as JSON.

An answer is data in the form of the protocol's JSON. In XML, a single value becomes an attribute, an object
or a list becomes elements, and a member ``value`` becomes the text of its element.

Source: https://opensubsonic.netlify.app/docs/responses/subsonic-response/
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

from media_mp3.subsonic.domain import ProtocolError

PROTOCOL_VERSION: Final = "1.16.1"
NAMESPACE: Final = "http://subsonic.org/restapi"
XML: Final = "application/xml"
JSON: Final = "application/json"

_TEXT: Final = "value"
_NOT_IN_XML: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot contain (https://www.w3.org/TR/xml/#charsets)."""


def succeeded(content: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of a call that worked."""
    return {"status": "ok", **_ABOUT, **content}


def failed(error: ProtocolError) -> dict[str, Any]:
    """The answer of a call that did not work."""
    return {"status": "failed", **_ABOUT, "error": {"code": error.code, "message": error.message}}


_ABOUT: Final = {
    "version": PROTOCOL_VERSION,
    "type": "autonomy-server",
    "serverVersion": version("autonomy-server"),
    "openSubsonic": True,
}


def in_json(answer: Mapping[str, Any]) -> bytes:
    """The answer as JSON. Members without a value are left out."""
    return json.dumps({"subsonic-response": _present(answer)}).encode()


def _present(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {name: _present(value) for name, value in data.items() if value is not None}
    return [_present(each) for each in data] if isinstance(data, list | tuple) else data


def in_xml(answer: Mapping[str, Any]) -> bytes:
    """The answer as XML. Members without a value are left out."""
    root = Element("subsonic-response", {"xmlns": NAMESPACE})
    _fill(root, answer)
    return tostring(root, encoding="UTF-8", xml_declaration=True)


def _fill(element: Element, data: Mapping[str, Any]) -> None:
    for name, value in data.items():
        if isinstance(value, Mapping):
            _fill(SubElement(element, name), value)
        elif isinstance(value, list | tuple):
            for each in value:
                below = SubElement(element, name)
                if isinstance(each, Mapping):
                    _fill(below, each)
                else:
                    below.text = _written(each)
        elif value is not None and name == _TEXT:
            element.text = _written(value)
        elif value is not None:
            element.set(name, _written(value))


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _NOT_IN_XML.sub("", str(value))
