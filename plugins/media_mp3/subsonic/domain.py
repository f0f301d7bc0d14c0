"""What a player sends: parameters and credentials, and the errors of the protocol. Pure.

Source: https://opensubsonic.netlify.app/docs/api-reference/ and ``docs/responses/error``.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

GENERIC: Final = 0
MISSING: Final = 10
WRONG_PASSWORD: Final = 40
NOT_SUPPORTED: Final = 42
CONFLICTING: Final = 43
WRONG_KEY: Final = 44
NOT_AUTHORISED: Final = 50
NOT_FOUND: Final = 70

ALBUM: Final = "al"
ARTIST: Final = "ar"
TRACK: Final = "tr"
PLAYLIST: Final = "pl"

KEY_SEPARATOR: Final = "-"
"""Between the name and the password of an app password, in its API key."""

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_TOKEN: Final = re.compile(r"[0-9a-f]{32}", re.ASCII | re.IGNORECASE)
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


class ProtocolError(Exception):
    """A call that is answered with an error of the protocol.

    Args:
        code: one of the protocol's numbers.
        message: for people; it contains no secret.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def not_found(what: str = "That") -> ProtocolError:
    """The error for a thing that does not exist, or that the buyer does not own."""
    return ProtocolError(NOT_FOUND, f"{what} is not in your library.")


class Parameters:
    """The parameters of a call, from the query and from the form.

    Args:
        pairs: names and values, in their order. Of repeated single values, the first counts.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def all(self, name: str) -> list[str]:
        """Every value of a parameter that may be repeated.

        Raises:
            ProtocolError: a value contains characters that cannot be stored.
        """
        found = self._values.get(name, [])
        if any(_UNSTORABLE.search(value) for value in found):
            raise ProtocolError(MISSING, f"The parameter {name} contains characters that cannot be stored.")
        return found

    def text(self, name: str) -> str | None:
        """The value of a parameter; None if it is absent or empty."""
        found = self.all(name)
        return found[0] if found and found[0] else None

    def required(self, name: str) -> str:
        """The value of a parameter that must be there.

        Raises:
            ProtocolError: it is absent or empty.
        """
        found = self.text(name)
        if found is None:
            raise ProtocolError(MISSING, f"The parameter {name} is missing.")
        return found

    def number(self, name: str, default: int, *, least: int = 0, most: int = 2**53) -> int:
        """A whole number, moved into its limits.

        Raises:
            ProtocolError: it is no number.
        """
        found = self.text(name)
        if found is None:
            return default
        if not _NUMBER.fullmatch(found):
            raise ProtocolError(MISSING, f"The parameter {name} must be a whole number.")
        return max(least, min(int(found), most))

    def numbers(self, name: str) -> list[int]:
        """Every value of a parameter that holds whole numbers from 0 on.

        Raises:
            ProtocolError: one is no such number.
        """
        found = self.all(name)
        if not all(_NUMBER.fullmatch(each) and int(each) >= 0 for each in found):
            raise ProtocolError(MISSING, f"The parameter {name} must be a whole number.")
        return [int(each) for each in found]

    def flag(self, name: str, *, default: bool) -> bool:
        """``true`` or ``false``; the default for anything else."""
        return {"true": True, "false": False}.get((self.text(name) or "").lower(), default)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a player presents. Exactly one of password, token and `is_key` is set.

    Attributes:
        name: of the app password.
        password: the app password itself, in plain text or as a part of an API key.
        token, salt: of the salted MD5.
        is_key: whether they came as an API key.
    """

    name: str
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    salt: str | None = field(default=None, repr=False)
    is_key: bool = False

    def match(self, secret: str) -> bool:
        """Whether they prove the knowledge of an app password."""
        if self.password is not None:
            return hmac.compare_digest(self.password.encode(), secret.encode())
        salted = hashlib.md5(f"{secret}{self.salt}".encode(), usedforsecurity=False).hexdigest()
        return hmac.compare_digest((self.token or "").lower().encode(), salted.encode())

    @property
    def refusal(self) -> ProtocolError:
        """The error for wrong credentials."""
        if self.is_key:
            return ProtocolError(WRONG_KEY, "The API key is not valid.")
        return ProtocolError(
            WRONG_PASSWORD,
            "The user name or password is wrong. Use an app password of your account, not its own password.",
        )


def credentials_of(parameters: Parameters) -> Credentials:
    """Read the credentials of a call.

    Raises:
        ProtocolError: there are none, or several that contradict each other.
    """
    key = parameters.text("apiKey")
    if key is not None:
        if any(parameters.text(name) is not None for name in ("u", "p", "t", "s")):
            raise ProtocolError(CONFLICTING, "Send either apiKey, or u with a password or a token.")
        name, _, password = key.partition(KEY_SEPARATOR)
        return Credentials(name, password=password, is_key=True)
    name = parameters.required("u")
    given = parameters.text("p")
    if given is not None:
        if parameters.text("t") is not None:
            raise ProtocolError(CONFLICTING, "Send either a password or a token.")
        return Credentials(name, password=_decoded(given))
    token = parameters.required("t")
    if not _TOKEN.fullmatch(token):
        raise ProtocolError(WRONG_PASSWORD, "The token is no MD5 in hexadecimal.")
    return Credentials(name, token=token, salt=parameters.required("s"))


def _decoded(password: str) -> str:
    """The password of the parameter ``p``, which may be hidden as ``enc:`` and hexadecimal bytes."""
    encoded = password.removeprefix("enc:")
    if encoded == password:
        return password
    try:
        return bytes.fromhex(encoded).decode()
    except ValueError:
        return password


def identifier(kind: str, value: UUID | str) -> str:
    """The id of a thing in the protocol, for example ``al-0190…``."""
    return f"{kind}-{value}"


def uuid_in(kind: str, text: str) -> UUID:
    """The id of a thing that an id of the protocol stands for.

    Raises:
        ProtocolError: it is no id of this kind.
    """
    prefix, _, value = text.partition("-")
    if prefix != kind or not _UUID.fullmatch(value):
        raise not_found()
    return UUID(value)


def moment(value: datetime) -> str:
    """A time as the protocol writes it: ISO 8601, in UTC, with milliseconds."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
