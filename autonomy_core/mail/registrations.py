"""Collects the templates and mailers of the core and the plugins, and checks them at the start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from autonomy_core.kernel.mail import Mailer, MailTemplate
from autonomy_core.kernel.manager import PluginError, Plugins
from autonomy_core.mail.backends import MAILERS
from autonomy_core.mail.overrides import OwnSourceCheck
from autonomy_core.mail.settings import DEFAULT_URL
from autonomy_core.mail.sources import brought_by, problem_of_sources
from autonomy_core.mail.templates import FOOTER
from autonomy_core.pages.registrations import parts_of
from autonomy_core.pages.themes import ThemeCheck
from autonomy_core.settings import Settings
from autonomy_core.settings_schema import SettingsError
from autonomy_core.tenancy.texts import MailChecks


def templates_of(core: Iterable[MailTemplate], plugins: Plugins) -> dict[str, MailTemplate]:
    """Return the kinds of mail of the core and the plugins, by name.

    Args:
        core: those of the core.
        plugins: the installed plugins.

    Raises:
        PluginError: a plugin's kind has a name that is taken, or no text; or a text for another kind has a
            mistake.
    """
    found = {template.name: template for template in core}
    offered = plugins.offered("register_mail_templates", "mail template", taken=list(found))
    for plugin, template in offered:
        if (problem := problem_of_sources(template)) is not None:
            raise PluginError(f"plugin {plugin}: its mail template {template.name!r} {problem}")
        found[template.name] = template
    for plugin in sorted({plugin for plugin, _ in offered}):
        _check_texts(plugin, found)
    return found


def _check_texts(plugin: str, templates: Mapping[str, MailTemplate]) -> None:
    """Check what a plugin brings for others' mails. A text for a plugin that is not installed may wait."""
    check, owners = OwnSourceCheck(templates), {name.partition(".")[0] for name in (*templates, FOOTER.name)}
    for name, text in brought_by(plugin, templates.values()).items():
        if name.partition(".")[0] in owners:
            for mistake in check(Path("mail", name), text):
                raise PluginError(f"plugin {plugin}: {mistake}")


def mailers_of(plugins: Plugins) -> dict[str, Mailer]:
    """Return the ways to hand over mail, by the scheme of the URLs that select them."""
    taken = [mailer.name for mailer in MAILERS]
    offered = plugins.offered("register_mailers", "mailer", taken=taken, prefixed=False)
    return {mailer.name: mailer for mailer in (*MAILERS, *(each for _, each in offered))}


def usable_mailers(plugins: Plugins, settings: Settings) -> dict[str, Mailer]:
    """`mailers_of`, with the server's own among them.

    Raises:
        SettingsError: the ini file selects one that is not there.
    """
    found, wanted = mailers_of(plugins), (settings.mail_url or DEFAULT_URL).partition(":")[0]
    if wanted not in found:
        problem = f"there is no way to send mail called {wanted!r}; there are: {', '.join(sorted(found))}."
        raise SettingsError(("autonomy.mail.url", problem))
    return found


def mail_checks_of(plugins: Plugins, templates: Mapping[str, MailTemplate]) -> MailChecks:
    """Return what organisations' files are checked against: these templates, installed mailers, and pages."""
    return MailChecks(OwnSourceCheck(templates), mailers_of(plugins).keys(), ThemeCheck(parts_of(plugins)))
