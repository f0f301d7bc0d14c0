"""Renders a mail: subject, text and HTML from a template and its values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from importlib.resources import files
from typing import Any

import structlog
from jinja2 import Environment
from markupsafe import Markup

from autonomy_core.kernel.mail import MailTemplate
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.languages import ENGLISH, Language, choose
from autonomy_core.mail.compiling import Source
from autonomy_core.mail.markup import as_html, as_text, insert, parse
from autonomy_core.mail.sandbox import State, TemplateProblem, fill
from autonomy_core.mail.settings import mail_settings
from autonomy_core.mail.sources import brought_by, compiled, own, problem_of_sources, shipped
from autonomy_core.mail.templates import FOOTER
from autonomy_core.pages.design import contrast

log = structlog.get_logger(__name__)

DEFAULT_COLOUR = "#1f3a5f"
"""The colour of the layout, for an organisation without one."""

LONGEST_SUBJECT = 200

LINK_COLOUR = "#0b57a4"

ORGANISATION = "organisation"
"""The value that every template has."""

_LAYOUT = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
    files(__package__).joinpath("layout.html").read_text("utf-8")
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """The texts of a mail.

    Attributes:
        subject: one line.
        text: the body as plain text.
        html: the same body as an HTML document.
        language: the language, a BCP 47 tag.
        unsubscribe_url: where one POST ends bulk mail (RFC 8058); None if there is no such address.
    """

    subject: str
    text: str
    html: str
    language: str = ENGLISH
    unsubscribe_url: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What the mails of an organisation have in common.

    Attributes:
        name: the organisation's name.
        support: the address where customers get help; None for none.
        colour: the colour of the layout, ``#rrggbb``.
        logo: the URL of the logo; None for none.
        locale: the language of mail to recipients without one, a BCP 47 tag; None for English.
        zone: the time zone of dates.
        texts: the sources of the organisation and its plugins that replace shipped ones, by file name.
    """

    name: str
    support: str | None = None
    colour: str = DEFAULT_COLOUR
    logo: str | None = None
    locale: str | None = None
    zone: tzinfo = UTC
    texts: Mapping[str, str] = field(default_factory=dict)


def render(
    scope: TenantScope, template: MailTemplate, values: Mapping[str, Any], *, locale: str | None, to: str
) -> Rendered:
    """Render a mail.

    If a source of the organisation or of a plugin does not suit the values, the package's source is used.

    Args:
        scope: the scope of the organisation, in the transaction of the delivery.
        template: the template.
        values: the values that the mail was given, and those that were added in the delivery.
        locale: the language that the mail was given; None for the organisation's.
        to: the address of the recipient.

    Raises:
        TemplateProblem: the package's source does not suit the values.
    """
    return render_for(look_of(scope), template, values, locale=locale)


def look_of(scope: TenantScope) -> Look:
    """Return what the mails of an organisation have in common."""
    organisation, settings = scope.organisation, mail_settings(scope)
    return Look(
        name=organisation.name,
        support=organisation.support_email,
        colour=settings.colour or DEFAULT_COLOUR,
        logo=settings.logo,
        locale=organisation.locale,
        zone=organisation.zone,
        texts={**_texts_of_plugins(scope), **organisation.mail_texts},
    )


def _texts_of_plugins(scope: TenantScope) -> dict[str, str]:
    """The texts that the enabled plugins bring for others' mails, of two that of the first plugin."""
    templates, texts = runtime_of(scope).mail_templates.values(), dict[str, str]()
    for plugin in reversed(scope.organisation.plugins):
        texts |= brought_by(plugin, templates)
    return texts


def render_for(
    look: Look, template: MailTemplate, values: Mapping[str, Any], *, locale: str | None
) -> Rendered:
    """Render a mail of an organisation; see `render`."""
    try:
        return _render(look, template, values, locale)
    except TemplateProblem as problem:
        if not look.texts:
            raise
        # The check of these sources uses the sample. Real values may differ.
        log.error(  # noqa: TRY400 - the traceback has a customer's values
            "mail.own_source_failed",
            organisation=look.name,
            template=template.name,
            line=problem.line,
            problem=problem.message,
        )
        return _render(replace(look, texts={}), template, values, locale)


def _render(look: Look, template: MailTemplate, values: Mapping[str, Any], locale: str | None) -> Rendered:
    language, text = source_for(look, template, locale)
    mail = render_source(look, template, compiled(template, text), values, language)
    footer_language, footer_text = source_for(look, FOOTER, language.wanted)
    shown = {"unsubscribe_url": values.get("unsubscribe_url")}
    footer = render_source(look, FOOTER, compiled(FOOTER, footer_text), shown, footer_language)
    return Rendered(
        subject=mail.subject,
        text=f"{mail.text}\n\n-- \n{footer.text}\n",
        html=_LAYOUT.render(
            subject=mail.subject,
            body=mail.html,
            footer=footer.html,
            name=look.name,
            colour=look.colour,
            logo=look.logo,
            language=language.tag,
            direction=language.direction,
        ),
        language=language.tag,
        unsubscribe_url=shown["unsubscribe_url"],
    )


def source_for(look: Look, template: MailTemplate, *wanted: str | None) -> tuple[Language, str]:
    """Return the best language for a mail, and the source in it.

    Args:
        look: what the mails of the organisation have in common.
        template: the template.
        wanted: languages in the order of preference, before the organisation's.

    Raises:
        TemplateProblem: there is no source.
    """
    texts = {**shipped(template), **own(look.texts, template.name)}
    language = choose(texts, *wanted, look.locale)
    if language.tag not in texts:
        raise TemplateProblem(f"{template.name} {problem_of_sources(template)}")
    return language, texts[language.tag]


@dataclass(frozen=True, slots=True)
class Part:
    """A rendered source, without the layout."""

    subject: str
    text: str
    html: Markup


def render_source(
    look: Look, template: MailTemplate, source: Source, values: Mapping[str, Any], language: Language
) -> Part:
    """Render one source, without the layout.

    Args:
        look: what the mails of the organisation have in common.
        template: the template. Values that its sample has and ``values`` has not are None.
        source: one of its sources.
        values: the values.
        language: the language of the source.

    Raises:
        TemplateProblem: the source does not suit the values, or exceeds a limit.
    """
    organisation = {"name": look.name, "support": look.support}
    known = {**dict.fromkeys(template.sample), **values, ORGANISATION: organisation}
    state = State(language.locale, look.zone)
    subject = fill(source.subject, known, state) if source.subject else ""
    tokens = parse(fill(source.body, known, state), state.literals, language.direction)
    text = as_text(tokens)
    colours = {"colour": look.colour, "on_colour": text_colour(look.colour), "link": LINK_COLOUR}
    return Part(
        subject=insert(subject, state.literals, language.direction)[:LONGEST_SUBJECT],
        text=text,
        html=Markup(as_html(tokens, colours)),  # noqa: S704 - the renderer has escaped it
    )


def known_names(template: MailTemplate) -> frozenset[str]:
    """Return the names of the values that sources of a template may read."""
    return frozenset({*template.sample, ORGANISATION})


def text_colour(background: str) -> str:
    """Return black or white, whichever has the higher contrast (WCAG 2.2, contrast ratio).

    Args:
        background: a colour, ``#rrggbb``.
    """
    return max("#ffffff", "#000000", key=lambda text: contrast(text, background))
