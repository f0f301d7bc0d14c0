"""Requests for any call of any plugin, made from what its operation says that it takes.

So a new call is attacked without a new test. A call with an input for which there is no value is reported,
and the suite fails until `sides.Side.identifiers` or `VALUES` has one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from marshmallow import fields
from webtest import TestRequest, TestResponse

from autonomy_core.files.uploads.domain import STREAM
from autonomy_core.kernel.identity import Permission
from autonomy_core.openapi.calls import Call
from autonomy_core.openapi.security import security_of
from autonomy_core.testing.application import Autonomy
from autonomy_core.testing.conformance import UNCHECKED
from tests.isolation.sides import NEUTRAL_HOST, Side, event_of, picture, recording

VALUES: Mapping[type[fields.Field], Any] = {
    fields.Integer: 100,
    fields.Boolean: True,
    fields.String: "a text",
}
CHOSEN = {
    "kind": "thing",
    "mode": "full",
    "code": "AUTUMN",
    "percent_off": 20,
    "new_password": "another long engine",
    "purpose": "register",
    "address": "reader@example.org",
    "provider": "company",
    "role": "support",
    "scope": "catalog.read",
}
"""Values by name, for what takes no value of its type, or is wanted although it is not required."""

FORM = "application/x-www-form-urlencoded"

OFFERS_TO_EVERYBODY = {
    "register": ("email", "password"),
    "request_email_change": ("email",),
    "invite": ("email",),
}
"""Calls with data that belong to no customer yet."""

LEFT_OUT = {("verify_email", "code"), ("confirm_email_change", "code"), ("confirm_sign_in", "code")}
"""Members that are wanted elsewhere, and here only instead of another one."""


class Unbuildable(Exception):
    """There is no attack for a call; the message says what is missing."""


@dataclass(frozen=True)
class Asked:
    """A request.

    Attributes:
        identified: names of the identifiers that are in it.
    """

    method: str
    path: str
    host: str = NEUTRAL_HOST
    query: Mapping[str, str] | None = None
    body: bytes | None = None
    headers: Mapping[str, str] | None = None
    identified: frozenset[str] = frozenset()

    def by(self, credential: str | None) -> Asked:
        """The same request with a credential."""
        if credential is None:
            return self
        return replace(self, headers={**(self.headers or {}), "Authorization": f"Bearer {credential}"})

    def with_link(self, link: Mapping[str, str]) -> Asked:
        """The same request with the query of a signed link."""
        return replace(self, query={**(self.query or {}), **link})

    def at(self, host: str) -> Asked:
        """The same request at another host."""
        return replace(self, host=host)

    def send(self, autonomy: Autonomy, **environ: str) -> TestResponse:
        """Send it, with further members of the WSGI environment."""
        url = self.path + (f"?{urlencode(self.query)}" if self.query else "")
        headers = {"Host": self.host, **(self.headers or {})}
        request = TestRequest.blank(
            url, environ={**UNCHECKED, **environ}, method=self.method, body=self.body or b"", headers=headers
        )
        return autonomy.app.do_request(request, expect_errors=True)

    def contains(self, value: str) -> bool:
        """Whether the request says it itself, so that an answer may repeat it."""
        said = f"{self.path} {self.host} {urlencode(self.query or {})} {dict(self.headers or {})}".encode()
        return value.encode() in said + (self.body or b"")

    def __str__(self) -> str:
        return f"{self.method} {self.host}{self.path}"


def ask(call: Call, addressed: Side, named: Side, *, by_host: bool = False) -> Asked:
    """A request for a call, without credentials.

    Args:
        addressed: whose API is asked.
        named: whose identifiers are in the request.
        by_host: the organisation is told by the host, and not by the path.

    Raises:
        Unbuildable: see `VALUES`.
    """
    values = _Values(call, named)
    path = re.sub(r"{(\w+)}", lambda match: values.identifier(match[1]), call.path)
    if call.is_webhook:
        path = path.removesuffix(named.id) + addressed.id
    elif not by_host:
        path = f"/{addressed.id}/api/v1{path}"
    else:
        path = f"/api/v1{path}"
    query = values.of_schema(call.operation.query)
    body, headers = _body(call, values, named)
    headers = {**headers, **_header_parameters(call)}
    host = addressed.host if by_host else NEUTRAL_HOST
    method = call.operation.method
    return Asked(method, path, host, query, body, headers, frozenset(values.identified))


def holders(call: Call) -> list[str | None]:
    """The names of the credentials that allow a call; None for a public one."""
    schemes = [scheme for requirement in security_of(call) for scheme in requirement]
    if "staff" in schemes:
        return ["staff"]
    return ["visitor", "owner"] if "customer" in schemes else [None]


def takes_links(call: Call) -> bool:
    """Whether a signed link opens it."""
    return call.operation.permission == Permission.LISTEN


class _Values:
    def __init__(self, call: Call, side: Side) -> None:
        self._side = side
        self._call = call.operation.id
        self._offered = OFFERS_TO_EVERYBODY.get(call.operation.id, ())
        self.identified: set[str] = set()

    def _own_value(self, name: str) -> Any:
        """The value that is known for this call only."""
        key = f"{self._call}.{name}"
        if key in self._side.short_lived:
            return self._side.short_lived[key]()
        return self._side.identifiers.get(key)

    def identifier(self, name: str) -> str:
        if name not in self._side.identifiers:
            raise Unbuildable(f"no value is known for {name}")
        self.identified.add(name)
        return self._side.identifiers[name]

    def _is_known(self, name: str) -> bool:
        known = self._side.identifiers
        return f"{self._call}.{name}" in known or name in known or name.removesuffix("s") in known

    def _is_wanted(self, name: str, field: fields.Field) -> bool:
        wanted = field.required or name in CHOSEN or self._is_known(name)
        return wanted and (self._call, name) not in LEFT_OUT

    def of_schema(self, schema: type[Any] | None) -> dict[str, Any]:
        """The required parameters, and the optional identifiers."""
        found = schema().load_fields if schema else {}
        return {
            name: self._of_field(name, field) for name, field in found.items() if self._is_wanted(name, field)
        }

    def _of_field(self, name: str, field: fields.Field) -> Any:
        if (own := self._own_value(name)) is not None:
            self.identified.add(name)
            return own
        if name in self._offered:
            return f"{uuid4().hex}@example.org"[: 100 if name == "email" else 32]
        if name in self._side.identifiers:
            return self.identifier(name)
        if isinstance(field, fields.List):
            return [self._of_field(name.removesuffix("s"), field.inner)]
        if name in CHOSEN:
            return CHOSEN[name]
        for kind, value in VALUES.items():
            if isinstance(field, kind):
                return value
        raise Unbuildable(f"no value is known for {name}, a {type(field).__name__}")


def _body(call: Call, values: _Values, named: Side) -> tuple[bytes | None, dict[str, str]]:
    if call.operation.body is not None:
        body = json.dumps(values.of_schema(call.operation.body)).encode()
        return body, {"Content-Type": "application/json"}
    if call.is_webhook:
        return event_of(named, "charge.updated")
    if "multipart/form-data" in call.operation.takes:
        return _upload(
            picture("an upload") if call.path.endswith(("/cover", "/extras")) else recording("An upload")
        )
    if STREAM in call.operation.takes:
        # The body that the example of its checksum is about.
        return b"x", {"Content-Type": STREAM}
    if FORM in call.operation.takes:
        return b"List-Unsubscribe=One-Click", {"Content-Type": FORM}
    if call.operation.takes:
        raise Unbuildable(f"no body is known of type {', '.join(call.operation.takes)}")
    return None, {}


def _header_parameters(call: Call) -> dict[str, str]:
    return {each["name"]: each["example"] for each in call.operation.parameters if "example" in each}


@cache
def _upload(content: bytes) -> tuple[bytes, dict[str, str]]:
    boundary = "the-boundary"
    head = 'Content-Disposition: form-data; name="file"; filename="a.mp3"\r\nContent-Type: audio/mpeg\r\n\r\n'
    body = f"--{boundary}\r\n{head}".encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}
