"""``autonomy mail``: the outbox of an organisation, and a test of its account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from autonomy_core.cli.context import CliContext, json_option, pass_cli
from autonomy_core.cli.failures import Failure
from autonomy_core.cli.output import print_facts, print_json, print_rows
from autonomy_core.cli.parameters import AddressType, IdentifierType, NumberType
from autonomy_core.kernel.mail import MailerUnavailable, MailRefused, MailTemplate, NotSent
from autonomy_core.languages import locale_of, tag_of
from autonomy_core.mail.administration import allow_address, detail_of, stop_address
from autonomy_core.mail.administration import resend as resend_mail
from autonomy_core.mail.delivery import send_test
from autonomy_core.mail.models import MailMessage
from autonomy_core.mail.rendering import Look, look_of, render_for, source_for
from autonomy_core.mail.sandbox import TemplateProblem
from autonomy_core.mail.schemas import STATUSES
from autonomy_core.mail.services import every_mail, find_mail
from autonomy_core.mail.sources import shipped
from autonomy_core.mail.templates import FOOTER

if TYPE_CHECKING:
    from autonomy_core.kernel.scope import TenantScope

ORGANISATION = click.argument("organisation_id", metavar="ORG")
MAIL = click.argument("mail_id", metavar="MAIL_ID", type=IdentifierType())
ADDRESS = click.argument("address", metavar="ADDRESS", type=AddressType())


class LanguageType(click.ParamType):
    """A language, as a BCP 47 tag."""

    name = "language"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the tag, in its usual spelling."""
        locale = locale_of(str(value))
        if locale is None:
            self.fail(f"{value!r} is no language: give a tag such as de or de-AT", param, ctx)
        return tag_of(locale)


@click.group()
def mail() -> None:
    """Show an organisation's mail, send it again, and test the account that sends it."""


@mail.command("list")
@ORGANISATION
@click.option("--status", type=click.Choice(STATUSES), help="Only mail in this state.")
@click.option("--to", help="Only mail to this address.")
@click.option("--limit", default=20, show_default=True, type=NumberType(1, 1000), help="How many at most.")
@json_option
@pass_cli
def list_(
    cli: CliContext, organisation_id: str, status: str | None, to: str | None, limit: int, *, as_json: bool
) -> None:
    """List the newest mail."""
    newest = every_mail(status=status, to=to).order_by(MailMessage.id.desc()).limit(limit)
    with cli.records(organisation_id) as scope:
        rows = [_summary(each) for each in scope.session.scalars(newest)]
    print_rows(rows, as_json=as_json, nothing="no mail")


@mail.command()
@ORGANISATION
@MAIL
@json_option
@pass_cli
def show(cli: CliContext, organisation_id: str, mail_id: UUID, *, as_json: bool) -> None:
    """Show a mail, and the last answer of the mail server."""
    with cli.records(organisation_id) as scope:
        found = detail_of(scope, _find(scope, mail_id))
        facts = {
            **_summary(found.mail),
            "message_id": found.mail.message_id,
            "customer_id": found.mail.customer_id and str(found.mail.customer_id),
            "once": found.mail.once,
            "resend_of": found.mail.resend_of and str(found.mail.resend_of),
            "next_attempt_at": found.mail.next_attempt_at,
            "finished_at": found.mail.finished_at,
            "answer": found.mail.answer,
            "suppressed_because": list(found.suppressed_because) or None,
        }
    if as_json:
        print_json(facts)
    else:
        print_facts(facts)


@mail.command()
@ORGANISATION
@MAIL
@pass_cli
def resend(cli: CliContext, organisation_id: str, mail_id: UUID) -> None:
    """Send a mail again, rendered anew; the worker sends it."""
    with cli.transaction(organisation_id) as scope:
        new = resend_mail(scope, _find(scope, mail_id), actor=cli.actor)
        click.echo(f"mail {new.id} to {new.recipient} is in the outbox")


@mail.command()
@ORGANISATION
@ADDRESS
@pass_cli
def test(cli: CliContext, organisation_id: str, address: str) -> None:
    """Send a test mail to ADDRESS now.

    It does not need the worker, and prints the answer of the mail server.
    """
    try:
        answer = send_test(cli.scope_of(cli.organisation(organisation_id)), address)
    except NotSent as reason:
        raise Failure(f"the mail is not sent: {reason}") from None
    except MailerUnavailable as error:
        raise Failure(f"the account cannot be used: {error}") from None
    except MailRefused as error:
        raise Failure(f"the mail server does not accept the mail: {error}") from None
    click.echo(answer)


@mail.command()
@ORGANISATION
@ADDRESS
@pass_cli
def stop(cli: CliContext, organisation_id: str, address: str) -> None:
    """Send no more mail to ADDRESS."""
    with cli.records(organisation_id) as scope:
        stop_address(scope, address, actor=cli.actor)
    click.echo(f"{address} gets no more mail from {organisation_id}")


@mail.command()
@ORGANISATION
@ADDRESS
@pass_cli
def allow(cli: CliContext, organisation_id: str, address: str) -> None:
    """Send mail to ADDRESS again.

    An address gets no mail after a mail to it bounced, or after it was stopped.
    """
    with cli.records(organisation_id) as scope:
        if not allow_address(scope, address, actor=cli.actor):
            raise Failure(f"mail from {organisation_id} to {address} is not stopped")
    click.echo(f"{address} gets mail from {organisation_id} again")


@mail.command()
@json_option
@pass_cli
def templates(cli: CliContext, *, as_json: bool) -> None:
    """List the kinds of mail and their languages."""
    rows = [
        {"template": name, "languages": sorted(shipped(template)), "values": sorted(template.sample)}
        for name, template in sorted({**cli.mail_templates, FOOTER.name: FOOTER}.items())
    ]
    print_rows(rows, as_json=as_json, nothing="no templates")


@mail.command()
@click.argument("template_name", metavar="TEMPLATE")
@click.option("--organisation", "organisation_id", metavar="ORG", help="With the look and texts of ORG.")
@click.option("--locale", type=LanguageType(), help="The recipient's language, such as de or de-AT.")
@click.option("--html", "form", flag_value="html", help="Print only the HTML.")
@click.option("--text", "form", flag_value="text", help="Print only the plain text.")
@click.option("--source", "form", flag_value="source", help="Print the source, to copy and change it.")
@pass_cli
def preview(
    cli: CliContext, template_name: str, organisation_id: str | None, locale: str | None, form: str | None
) -> None:
    """Show a mail with sample values.

    It shows the subject and the plain text, unless an option says otherwise.
    """
    template = {**cli.mail_templates, FOOTER.name: FOOTER}.get(template_name)
    if template is None:
        raise Failure(f"there is no template {template_name!r}; see autonomy mail templates")
    look = Look("Sample", "help@shop.example")
    if organisation_id is not None:
        look = look_of(cli.scope_of(cli.organisation(organisation_id)))
    try:
        click.echo(_previewed(look, template, locale, form), nl=form is None)
    except TemplateProblem as problem:
        raise Failure(f"{template_name}: {problem.message}; {problem.remedy}") from None


def _previewed(look: Look, template: MailTemplate, locale: str | None, form: str | None) -> str:
    if form == "source":
        return source_for(look, template, locale)[1]
    if template.name == FOOTER.name:
        raise Failure(f"{FOOTER.name} is a part of every mail: preview another template")
    mail = render_for(look, template, template.sample, locale=locale)
    match form:
        case "html":
            return mail.html
        case "text":
            return mail.text
    return f"Subject: {mail.subject}\n\n{mail.text.rstrip()}"


def _find(scope: TenantScope, mail_id: UUID) -> MailMessage:
    found = find_mail(scope, mail_id)
    if found is None:
        raise Failure(f"{scope.organisation.id} has no mail {mail_id}; see autonomy mail list")
    return found


def _summary(each: MailMessage) -> dict[str, Any]:
    return {
        "id": str(each.id),
        "status": each.status,
        "template": each.template,
        "to": each.recipient,
        "attempts": each.attempts,
        "created_at": each.created_at,
    }
