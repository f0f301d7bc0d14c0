"""The settings of an organisation, all with defaults, and of the server."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Any

from marshmallow import ValidationError, fields, validate

from autonomy_core.plugin_api.settings import SettingsSchema, positive_number
from customer_auth.passwords.filters import NotAFilter, PasswordFilter
from customer_auth.providers.domain import FORM
from customer_auth.providers.setting import ProvidersField

PLUGIN = "customer_auth"

HIBP = "https://api.pwnedpasswords.com/range/"


class PasswordFilterField(fields.Field[PasswordFilter]):
    """The path of a filter that ``autonomy passwords build`` has made. The value is the open filter."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> PasswordFilter:
        try:
            return PasswordFilter(Path(str(value)))
        except (OSError, ValueError) as error:
            raise ValidationError(f"The file cannot be read: {type(error).__name__}.") from None
        except NotAFilter as error:
            remedy = "make one with: autonomy passwords build LIST --to FILE"
            raise ValidationError(f"The file is no filter of passwords: {error}; {remedy}") from None


class OrganisationSettings(SettingsSchema):
    """The section ``[customer_auth]``."""

    access_token_minutes = positive_number(
        15, 60, "The lifetime of an access token in minutes, unless its login ends before."
    )
    refresh_token_days = positive_number(30, 365, "After how many days without a refresh a login expires.")
    failed_logins_per_email = positive_number(
        100,
        1000,
        "How many failed logins an account may have in 15 minutes from all client addresses together. Devices"
        " that have logged in before do not count, and are not refused.",
    )
    failed_logins_per_email_and_address = positive_number(
        10,
        1000,
        "How many failed logins an account may have in 15 minutes from one client address or device.",
    )
    failed_logins_per_address = positive_number(
        50, 100_000, "How many failed logins a client address may have in 15 minutes."
    )
    registrations_per_address = positive_number(
        20,
        100_000,
        "How many registrations with valid input a client address may attempt in an hour, including those of "
        "registered e-mail addresses.",
    )
    breached_passwords_online = fields.Boolean(
        load_default=False,
        error_messages={"invalid": "Write yes or no."},
        metadata={
            "description": "yes or no: whether the service Have I Been Pwned is asked about new passwords. It"
            " learns five of forty digits of a password's hash."
        },
    )
    proof_of_work = fields.String(
        load_default="busy",
        validate=validate.OneOf(["never", "busy", "always"]),
        metadata={
            "description": "never, busy or always: whether a client must solve a computing task before it"
            " registers or requests a mail. busy: only while there are many such calls."
        },
    )
    require_verified = fields.String(
        load_default="no",
        validate=validate.OneOf(["no", "login", "purchase"]),
        metadata={
            "description": "no, login or purchase: what customers can do only after they have proven to read"
            " the mail of their address. login: log in, and so everything; purchase: buy."
        },
    )
    passwordless = fields.Boolean(
        load_default=True,
        error_messages={"invalid": "Write yes or no."},
        metadata={"description": "yes or no: whether customers can sign in with a code from a mail."},
    )
    account_url = fields.Url(
        schemes={"http", "https"},
        require_tld=False,
        load_default=None,
        validate=validate.Regexp("[^#]+$", error="Leave out the # and what is after it."),
        metadata={
            "description": "The page of the shop that opens the links of mails, by default a page of this"
            " server. The server appends #purpose=…&token=…"
        },
    )
    mails_per_email = positive_number(
        6,
        1000,
        "How many mails of a kind an address may be sent in an hour because a client has requested them. One"
        " client address may cause half of them.",
    )
    mails_per_address = positive_number(
        30, 100_000, "How many such mails a client address may request in an hour."
    )
    providers = ProvidersField(
        load_default=MappingProxyType({}),
        metadata={
            "description": f"Where customers can log in (OpenID Connect), a provider in each line: {FORM}."
        },
    )
    calls_without_work = positive_number(
        60, 100_000, "With busy: how many such calls a minute are accepted without a solved task."
    )


class ServerSettings(SettingsSchema):
    """The keys ``customer_auth.…``."""

    hashes_at_once = positive_number(
        1, 64, "How many passwords a process hashes at once; higher values slow down other requests."
    )
    breached_passwords = PasswordFilterField(
        load_default=None,
        metadata={"description": "A filter of breached passwords, made by autonomy passwords build."},
    )
    providers_over_http = fields.Boolean(
        load_default=False,
        error_messages={"invalid": "Write yes or no."},
        metadata={"description": "Whether providers may be called without TLS, for development."},
    )
    breached_passwords_url = fields.Url(
        load_default=HIBP,
        schemes={"http", "https"},
        require_tld=False,
        validate=validate.Regexp(r".*/$", error="Write a URL that ends with a slash."),
        metadata={"description": "Where breached_passwords_online asks; for a mirror of the service."},
    )
    calls_without_work = positive_number(
        1200,
        1_000_000,
        "How many registrations and requests for a mail a process accepts in a minute, of all organisations "
        "together, before proof_of_work = busy requires a solved task.",
    )
