"""What an organisation is, and what can be wrong with its description."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from autonomy_core.tenancy.files import Signature

Environment = Literal["test", "live"]
"""Where a payment is made: test moves no money, and what it grants is no customer's in live."""
AfterRefund = Literal["keep", "revoke"]
AfterDispute = Literal["keep", "revoke", "revoke_until_won"]

ProblemCode = Literal[
    "duplicate_host",
    "duplicate_key",
    "duplicate_section",
    "invalid_value",
    "last_good_unreadable",
    "live_key_in_test",
    "malformed_id",
    "missing_key",
    "missing_section",
    "not_utf8",
    "organisations_missing",
    "plugin_disabled_but_configured",
    "record_unusable",
    "reserved_id",
    "syntax",
    "test_key_in_live",
    "unknown_key",
    "unknown_plugin",
    "unknown_section",
    "unreadable_file",
    "unresolved_reference",
]

# An organisation's id is the first segment of its URLs, where these words mean something else.
RESERVED_IDS = frozenset(
    {
        "admin",
        "api",
        "assets",
        "autonomy",
        "docs",
        "health",
        "metrics",
        "openapi",
        "static",
        "status",
        "system",
        "webhook",
        "webhooks",
        "well-known",
        "www",
    }
)

_ID = re.compile(r"[a-z][a-z0-9-]{1,38}[a-z0-9]")

ID_RULE = "3 to 40 lower-case letters, digits and hyphens, a letter first and no hyphen last"


@dataclass(frozen=True, slots=True)
class Organisation:
    """One tenant, as its ini file describes it.

    id: the stem of the file's name, the organisation's name in URLs and in the database.
    hosts: normalised, each ``name`` or ``name:port``.
    currency: ISO 4217, lower-case.
    settings: by plugin name, what the plugin's schema made of its section; read-only.
    access_after_refund, access_after_dispute: what becomes of what was granted for a payment that was refunded as
        a whole, or is disputed.
    refund_duplicates: whether a payment is given back by itself for what the customer had paid already.
    purchase_during_dispute: whether a customer may buy a product again while their bank disputes a payment for it.
    """

    id: str
    name: str
    hosts: tuple[str, ...]
    currency: str
    plugins: tuple[str, ...]
    settings: Mapping[str, Any] = field(hash=False)
    source: Path
    support_email: str | None = None
    access_after_refund: AfterRefund = "revoke"
    access_after_dispute: AfterDispute = "revoke_until_won"
    refund_duplicates: bool = False
    purchase_during_dispute: bool = False

    def without_hosts(self, refused: Collection[str]) -> Organisation:
        """The organisation without hosts that its file names and that it does not get."""
        if not refused:
            return self
        return replace(self, hosts=tuple(host for host in self.hosts if host not in refused))


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend in a tenant's file. Never contains a value that could be a secret."""

    file: Path
    line: int
    code: ProblemCode
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.code}: {self.message} ({self.remedy})"


@dataclass(slots=True, eq=False)
class Version:
    """One version of an organisation's file that is in order: enough to find the organisation, and to make it.

    It takes a third of the memory of what `TenantLoader.make` makes of it.

    hosts_line: where it claims its hosts.
    content: what the file says, and what its references led to, so secrets are in it; see `loader.text_of`. None
        while it is known from the index or the record alone, and this process has read neither file nor content.
    """

    id: str
    directory: Path
    hosts: tuple[str, ...]
    hosts_line: int
    plugins: tuple[str, ...]
    content: bytes | None = field(default=None, repr=False)

    @property
    def source(self) -> Path:
        """The file."""
        return self.directory / f"{self.id}.ini"


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """What reading one file gave: an organisation and its version, or problems.

    references: the secret files it refers to, as they were when read.
    uses_environment: whether it refers to variables of the environment.
    is_unreadable: whether it, or a secret file that it refers to, is there and could not be read, perhaps only now.
    is_unfinished: whether an editor may still be writing it, see `loader.UNFINISHED_NS`.
    """

    path: Path
    organisation: Organisation | None
    problems: tuple[Problem, ...]
    version: Version | None = None
    references: tuple[tuple[Path, Signature | None], ...] = ()
    uses_environment: bool = False
    is_unreadable: bool = False
    is_unfinished: bool = False


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What is kept of a file that was read.

    version: the one before, if this one could not be read.
    references: the secret files it refers to, as they were.
    is_doubtful: whether equal signatures prove nothing, because one of the files was fresh, see `files.is_fresh`, was
        unfinished, or could not be read.
    uses_environment: whether it refers to variables of the environment, which another process may have otherwise.
    is_unfinished: whether the version is of a file that an editor may still have been writing.
    """

    signature: Signature
    version: Version | None
    problems: tuple[Problem, ...] = ()
    references: tuple[tuple[str, Signature | None], ...] = ()
    is_doubtful: bool = False
    uses_environment: bool = False
    is_unfinished: bool = False


def id_problem(source: Path, organisation_id: str) -> Problem | None:
    """Return what is wrong with an organisation's id, or None."""
    if not _ID.fullmatch(organisation_id):
        return Problem(
            source,
            1,
            "malformed_id",
            f"{organisation_id!r} is not an organisation's id",
            f"rename the file: {ID_RULE}",
        )
    if organisation_id in RESERVED_IDS:
        return Problem(
            source,
            1,
            "reserved_id",
            f"{organisation_id!r} is a word of the server's own URLs",
            "rename the file",
        )
    return None
