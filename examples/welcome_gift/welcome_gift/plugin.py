"""The plugin's hooks."""

from __future__ import annotations

from collections.abc import Sequence

from autonomy_core.plugin_api.events import CustomerVerified
from autonomy_core.plugin_api.hooks import PluginSettings, hookimpl
from autonomy_core.plugin_api.jobs import Job
from autonomy_core.plugin_api.mail import MailTemplate
from welcome_gift import services
from welcome_gift.settings import WelcomeGiftSettings

MINIMUM_API = (2, 0)
"""The version of `autonomy_core.plugin_api` that this plugin needs. An older server refuses the plugin."""


@hookimpl
def register_settings() -> PluginSettings:
    """The section ``[welcome_gift]``."""
    return PluginSettings(organisation=WelcomeGiftSettings)


@hookimpl
def register_jobs() -> Sequence[Job]:
    """The job that gives the product."""
    return [Job(services.GIVE_JOB, services.give_gift)]


@hookimpl
def register_mail_templates() -> Sequence[MailTemplate]:
    """The mail about the gift, in the directory ``mail``."""
    return [MailTemplate(services.MAIL, "welcome_gift", sample={"name": "Ada", "titles": ["First Light"]})]


@hookimpl
def on_customer_verified(event: CustomerVerified) -> None:
    """Promise the gift."""
    services.promise_gift(event)
