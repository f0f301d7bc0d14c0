"""Data types: organisations, versions of their files, and problems in them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from autonomy_core.tenancy.files import Signature

Environment = Literal["test", "live"]
"""The payment environment. Test payments move no money, and their grants are not valid in live."""
AfterRefund = Literal["keep", "revoke"]
AfterDispute = Literal["keep", "revoke", "revoke_until_won"]
DigitalConsent = Literal["no", "required"]

ProblemCode = Literal[
    "duplicate_host",
    "duplicate_key",
    "duplicate_section",
    "invalid_mail_template",
    "invalid_theme",
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
    "unknown_mail_template",
    "unknown_plugin",
    "unknown_section",
    "unreadable_file",
    "unresolved_reference",
]

# An organisation's id is the first segment of its URLs. These segments have another meaning.
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
        "rest",
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

    Attributes:
        id: the stem of the file's name. It identifies the organisation in URLs and in the database.
        name: the name that customers see.
        hosts: normalised, each ``name`` or ``name:port``.
        currency: an ISO 4217 code in lower case.
        plugins: the names of the plugins it uses.
        settings: by plugin name, the section as loaded by the plugin's schema; read-only.
        source: the ini file.
        support_email: where customers get help.
        access_after_refund: what happens to grants of a payment that was refunded completely.
        access_after_dispute: what happens to grants of a payment that is disputed.
        refund_duplicates: whether a second payment for the same product is refunded automatically.
        purchase_during_dispute: whether a customer may buy a product while a payment for it is disputed.
        digital_consent: whether a purchase must contain the consent to immediate delivery.
        digital_consent_en, digital_consent_de: the organisation's own texts of the consent, or None.
        guest_purchases_per_address: how many purchases without an account a client address may begin in an
            hour.
        time_zone: the name of the time zone of its days and months.
        locale: the language of mail to recipients without one, a BCP 47 tag; None for English.
        mail_texts: the organisation's own sources of mail templates, by file name; read-only.
        theme: the files of the organisation's theme, see `tenancy.themes`; read-only.
        digest: of the content of its file and of the values of its references; empty if the organisation was
            not made from a `Version`. Organisations with the same digest and hosts are equal.
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
    digital_consent: DigitalConsent = "no"
    digital_consent_en: str | None = None
    digital_consent_de: str | None = None
    guest_purchases_per_address: int = 60
    time_zone: str = "UTC"
    locale: str | None = None
    mail_texts: Mapping[str, str] = field(default_factory=dict, hash=False, repr=False)
    theme: Mapping[str, str] = field(default_factory=dict, hash=False, repr=False)
    digest: bytes = field(default=b"", repr=False, compare=False)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of its days and months."""
        return ZoneInfo(self.time_zone)

    def without_hosts(self, refused: Collection[str]) -> Organisation:
        """A copy without the hosts that its file names but that it does not get."""
        if not refused:
            return self
        return replace(self, hosts=tuple(host for host in self.hosts if host not in refused))


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a tenant's files. It never contains a value that could be a secret."""

    file: Path
    line: int
    code: ProblemCode
    message: str
    remedy: str

    @property
    def organisation_id(self) -> str | None:
        """The id of the organisation that has the problem; None if it concerns the whole directory."""
        match self.file.suffix:
            case ".ini":
                return self.file.stem
            case ".md":
                return self.file.parent.parent.name
            case ".css" | ".html" | ".jpg" | ".png" | ".svg" | ".webp" | ".woff2":
                return _owner_of_theme(self.file)
        return None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.code}: {self.message} ({self.remedy})"


def _owner_of_theme(file: Path) -> str:
    """The organisation of ``<id>/theme/x.css`` and ``<id>/theme/templates/<directory>/x.html``."""
    # The deepest form first: a theme may have templates/theme/x.html.
    above = [each.name for each in file.parents]
    depth = 2 if above[1:3] == ["templates", "theme"] else 1 if above[:2] == ["templates", "theme"] else 0
    return above[depth + 1]


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """One valid version of an organisation's file: enough to find the organisation and to make it.

    It takes a third of the memory of the organisation that `TenantLoader.make` makes.

    Attributes:
        hosts_line: the line number of the key ``hosts``.
        content: the content of the file and the values of its references, so it contains secrets; see
            `loader.text_of`. None if the version comes from the index or the record and was not read yet.
    """

    id: str
    directory: Path
    hosts: tuple[str, ...]
    hosts_line: int
    plugins: tuple[str, ...]
    content: bytes | None = field(default=None, repr=False)

    @property
    def source(self) -> Path:
        """The path of the file."""
        return self.directory / f"{self.id}.ini"

    def serves_as(self, other: Version | None) -> bool:
        """Whether another version makes the same organisation. Content that was not read counts as equal."""
        if other is None or (self.hosts, self.plugins) != (other.hosts, other.plugins):
            return False
        return self.content is None or other.content is None or self.content == other.content


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """The result of reading one file: an organisation and its version, or problems.

    Attributes:
        references: the secret files it refers to, with their signatures at that time.
        uses_environment: whether it refers to environment variables.
        is_unreadable: whether the file, or a secret file it refers to, exists but could not be read.
        is_unfinished: whether an editor may still be writing it; see `reading.UNFINISHED_NS`.
        texts: the directory and the files of the organisation's texts, with their signatures at that time.
    """

    path: Path
    organisation: Organisation | None
    problems: tuple[Problem, ...]
    version: Version | None = None
    references: tuple[tuple[Path, Signature | None], ...] = ()
    uses_environment: bool = False
    is_unreadable: bool = False
    is_unfinished: bool = False
    texts: tuple[tuple[Path, Signature | None], ...] = ()


@dataclass(frozen=True, slots=True)
class KnownFile:
    """The cached result of reading a file.

    Attributes:
        version: the version; the previous one if the file could not be read.
        references: the secret files it refers to, and the directory and files of the texts, with their
            signatures at that time.
        is_doubtful: whether an equal signature does not prove that the file is unchanged: one of the files
            was fresh (see `files.is_fresh`), incomplete or unreadable.
        uses_environment: whether it refers to environment variables, which may differ in other processes.
        is_unfinished: whether an editor may still have been writing the version's file.
    """

    signature: Signature
    version: Version | None
    problems: tuple[Problem, ...] = ()
    references: tuple[tuple[str, Signature | None], ...] = ()
    is_doubtful: bool = False
    uses_environment: bool = False
    is_unfinished: bool = False


def id_problem(source: Path, organisation_id: str) -> Problem | None:
    """Return the problem of an organisation's id, or None."""
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
