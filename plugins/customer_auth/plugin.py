"""The plugin's implementations of the core's hooks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from pyramid.config import Configurator

from autonomy_core.plugin_api.checks import OrganisationCheck
from autonomy_core.plugin_api.customers import PersonalData, find_customer
from autonomy_core.plugin_api.errors import NotAuthenticated
from autonomy_core.plugin_api.events import (
    CustomersMerged,
    CustomerUpdated,
    CustomerVerified,
    LoginRequired,
    MailSending,
    PurchaseRequested,
)
from autonomy_core.plugin_api.hooks import PluginSettings, hookimpl
from autonomy_core.plugin_api.jobs import Job
from autonomy_core.plugin_api.mail import MailTemplate
from autonomy_core.plugin_api.migrations import Migrations, plugin_migrations
from autonomy_core.plugin_api.pages import MenuEntry, PageFiles, _, signed_out
from autonomy_core.plugin_api.protocols import Authenticator
from autonomy_core.plugin_api.resources import AdminCustomer, Customers, Site
from customer_auth import models  # noqa: F401 - makes the tables known to the migrations
from customer_auth.challenges import models as challenges  # noqa: F401 - likewise
from customer_auth.challenges.mails import TEMPLATES, links_for
from customer_auth.challenges.requirement import require_verified_buyer
from customer_auth.challenges.resources import CustomerEmail, CustomerPassword, SignIn
from customer_auth.commands import passwords_commands
from customer_auth.pages.resources import LoginPage, LogoutPage
from customer_auth.passkeys import models as passkeys  # noqa: F401 - likewise
from customer_auth.passkeys.resources import CustomerPasskeys
from customer_auth.passwords.credentials import forget_credentials
from customer_auth.personal_data import PERSONAL_DATA, forget
from customer_auth.providers import models as providers  # noqa: F401 - likewise
from customer_auth.providers.checks import CHECKS
from customer_auth.providers.resources import LinkedIdentities, ProviderLogins
from customer_auth.resources import CustomerSessions
from customer_auth.second_factors import models as second_factors  # noqa: F401 - likewise
from customer_auth.second_factors.jobs import reseal
from customer_auth.second_factors.resources import AuthenticatorApp, Login, SecondFactors
from customer_auth.sessions.authenticator import AccessTokenAuthenticator
from customer_auth.sessions.browsers import SessionAuthenticator
from customer_auth.sessions.notices import NOTICES
from customer_auth.sessions.services import end_all_sessions, is_open
from customer_auth.settings import PLUGIN, OrganisationSettings, ServerSettings
from customer_auth.support.resources import AdminCustomerSessions


@hookimpl
def register_settings() -> PluginSettings:
    """Lifetimes of tokens, limits of attempts, the number of concurrent hashes."""
    return PluginSettings(organisation=OrganisationSettings, server=ServerSettings)


@hookimpl
def register_migrations() -> Migrations:
    """Credentials, logins, refresh tokens, attempts."""
    return plugin_migrations(PLUGIN, Path(__file__).parent / "migrations")


@hookimpl
def register_views(config: Configurator) -> None:
    """Registration, login, logout, passwords, logins, second factors, and the calls of mails."""
    config.add_child(Customers, "email", CustomerEmail)
    config.add_child(Customers, "login", Login)
    config.add_child(Customers, "password", CustomerPassword)
    config.add_child(Customers, "passkeys", CustomerPasskeys)
    config.add_child(Customers, "providers", ProviderLogins)
    config.add_child(ProviderLogins, "linked", LinkedIdentities)
    config.add_child(Customers, "sessions", CustomerSessions)
    config.add_child(Customers, "second-factors", SecondFactors)
    config.add_child(Customers, "sign-in", SignIn)
    config.add_child(SecondFactors, "totp", AuthenticatorApp)
    config.scan("customer_auth.views")
    config.scan("customer_auth.challenges.views")
    config.scan("customer_auth.passkeys.views")
    config.add_child(AdminCustomer, "sessions", AdminCustomerSessions)
    config.scan("customer_auth.support.views")
    config.scan("customer_auth.providers.views")
    config.scan("customer_auth.second_factors.views")
    config.add_child(Site, "login", LoginPage)
    config.add_child(Site, "logout", LogoutPage)
    config.scan("customer_auth.pages.views")


@hookimpl
def register_authenticators() -> Sequence[Authenticator]:
    """Customers, by their access token, and on pages by the cookie of their browser."""
    return [AccessTokenAuthenticator(), SessionAuthenticator()]


@hookimpl
def register_pages() -> PageFiles:
    """The pages of logins."""
    return PageFiles(PLUGIN, sign_in="login", sign_out="logout")


@hookimpl
def register_menu() -> Sequence[MenuEntry]:
    """The way to log in."""
    return [MenuEntry("account", _("Log in"), ("login",), shown=signed_out)]


@hookimpl
def register_jobs() -> Sequence[Job]:
    """Hourly: secrets are encrypted with the server's current secret."""
    return [Job("customer_auth.reseal", reseal, every=3600)]


@hookimpl
def register_checks() -> Sequence[OrganisationCheck]:
    """Whether the providers of an organisation can be used."""
    return CHECKS


@hookimpl
def register_commands() -> Sequence[click.Command]:
    """``autonomy passwords …``."""
    return [passwords_commands]


@hookimpl
def register_personal_data() -> PersonalData:
    """Logins and credentials."""
    return PERSONAL_DATA


@hookimpl
def register_mail_templates() -> Sequence[MailTemplate]:
    """Mails with links and codes, and notices about changed credentials."""
    return (*TEMPLATES, *NOTICES)


@hookimpl
def on_customer_verified(event: CustomerVerified) -> None:
    """Remove what a person has set up who may not be the owner of the mailbox."""
    if event.from_outside:
        forget_credentials(event.scope, event.customer_id)


@hookimpl
def on_login_required(event: LoginRequired) -> None:
    """Refuse a login that has ended, in which a process still trusts."""
    if event.session_id is not None and not is_open(event.scope, event.customer_id, event.session_id):
        raise NotAuthenticated


@hookimpl
def on_customers_merged(event: CustomersMerged) -> None:
    """No login and no credential of the merged customer stays."""
    forget(event.scope, event.source_id)


@hookimpl
def on_customer_updated(event: CustomerUpdated) -> None:
    """End the logins of a customer whom staff have blocked."""
    customer = find_customer(event.scope, event.customer_id)
    if "blocked_at" in event.changed and customer is not None and customer.blocked_at is not None:
        end_all_sessions(event.scope, customer.id)


@hookimpl
def on_purchase_requested(event: PurchaseRequested) -> None:
    """Refuse buyers whose address must be verified first."""
    require_verified_buyer(event)


@hookimpl
def on_mail_sending(event: MailSending) -> None:
    """Add the links to the mails of the core: to what was bought, to the account, to accept an invitation."""
    for name, url in links_for(event.scope, event.mail).items():
        event.add(name, url)
