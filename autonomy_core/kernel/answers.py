"""The result types of hooks. Other results are rejected with the name of the plugin."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autonomy_core.callables import misfit, unfinished


@dataclass(frozen=True, slots=True)
class Answer:
    """The result type of a hook.

    Attributes:
        of: ``module:Name`` of a class or protocol. It is imported only after the hook was called, because
            importing all of them would slow down each command line.
        many: whether the result is a sequence of such objects.
        optional: protocols with methods that such an object may have, as ``module:Name``.
    """

    of: str
    many: bool = False
    optional: tuple[str, ...] = ()

    def __str__(self) -> str:
        name = self.of.rpartition(":")[2]
        return f"a list or tuple of {name}" if self.many else f"a {name}"


PROTOCOLS = "autonomy_core.kernel.protocols"
LISTING = "autonomy_core.kernel.listing"

ANSWERS: dict[str, Answer] = {
    "register_settings": Answer("autonomy_core.kernel.hooks:PluginSettings"),
    "register_migrations": Answer("autonomy_core.db.migrations:Migrations"),
    "register_payment_provider": Answer(
        f"{PROTOCOLS}:PaymentProvider", optional=("autonomy_core.kernel.finders:PaymentFinder",)
    ),
    "register_webhook_sources": Answer("autonomy_core.kernel.webhooks:WebhookSource", many=True),
    "register_product_kinds": Answer(
        f"{PROTOCOLS}:ProductKind",
        many=True,
        optional=(
            f"{PROTOCOLS}:DeliveringKind",
            *(f"{LISTING}:{name}" for name in ("ListingKind", "WholeKind", "ExtrasKind", "PartKind")),
        ),
    ),
    "register_authenticators": Answer(f"{PROTOCOLS}:Authenticator", many=True),
    "register_image_processors": Answer("autonomy_core.kernel.images:ImageProcessor", many=True),
    "register_deliveries": Answer("autonomy_core.kernel.delivery:FileDelivery", many=True),
    "register_media_formats": Answer("autonomy_core.kernel.media:MediaFormat", many=True),
    "register_personal_data": Answer("autonomy_core.kernel.personal_data:PersonalData"),
    "register_scopes": Answer("autonomy_core.kernel.identity:Scope", many=True),
    "register_jobs": Answer("autonomy_core.kernel.jobs:Job", many=True),
    "register_mail_templates": Answer("autonomy_core.kernel.mail:MailTemplate", many=True),
    "register_mailers": Answer("autonomy_core.kernel.mail:Mailer", many=True),
    "register_commands": Answer("click:Command", many=True),
    "register_checks": Answer("autonomy_core.kernel.checks:OrganisationCheck", many=True),
    "register_flushes": Answer(f"{PROTOCOLS}:Flush", many=True),
    "register_pages": Answer("autonomy_core.kernel.pages:PageFiles"),
    "register_menu": Answer("autonomy_core.kernel.pages:MenuEntry", many=True),
    "register_page_slots": Answer("autonomy_core.kernel.pages:SlotContent", many=True),
    "register_files": Answer("autonomy_core.kernel.files:StoredFiles", many=True),
}
"""By the name of the hook. The implementations of all other hooks return None."""


def problem_with(hook: str, answer: Any) -> str | None:
    """The problem of a hook's result, for example ``returned a coroutine, …``; None if it is valid."""
    expected = ANSWERS.get(hook)
    if expected is None:
        return None if answer is None else f"returned {_described(answer)}; it has to return None"
    if expected.many and (not isinstance(answer, Sequence) or isinstance(answer, str)):
        return f"returned {_described(answer)}; it has to return {expected}"
    specified = pkgutil.resolve_name(expected.of)
    for member in answer if expected.many else (answer,):
        problem = _problem_with_member(member, specified, expected)
        if problem is not None:
            return problem
    return None


def _problem_with_member(member: Any, specified: type, expected: Answer) -> str | None:
    if getattr(specified, "_is_protocol", False):
        reason = misfit(member, specified) or _optional_misfit(member, expected)
        return None if reason is None else f"returned {_described(member)}, which {reason}"
    if isinstance(member, specified):
        return None
    inside = " with " if expected.many else " "
    return f"returned{inside}{_described(member)}; it has to return {expected}"


def _optional_misfit(member: Any, expected: Answer) -> str | None:
    """Why a method that the object need not have could not be called; None if it could, or is absent."""
    protocols = map(pkgutil.resolve_name, expected.optional)
    return next(filter(None, (misfit(member, each) for each in protocols if isinstance(member, each))), None)


def _described(answer: Any) -> str:
    kind = type(answer).__name__
    return unfinished(answer) or (
        "None" if answer is None else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
    )
