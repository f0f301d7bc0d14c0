"""Where the commands about webhook endpoints work: the organisations' files on one side, Stripe on the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from autonomy_core.plugin_api.audit import record
from autonomy_core.plugin_api.commands import CliContext, WrittenSettings
from autonomy_core.plugin_api.payments import Environment
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.settings import Secret
from stripe_payments.endpoints.client import AskingFailed, Endpoint, delete_endpoint
from stripe_payments.settings import PLUGIN, key_name

NOT_MADE_YET = "whsec_not_made_yet"
"""Stands for a secret that is about to be made, so that the rest of a file can be checked and used."""


class EndpointError(Exception):
    """What was asked cannot be done; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Member:
    """An organisation's webhook keys of one environment, as its file has them now."""

    id: str
    environment: Environment
    written: WrittenSettings

    def text(self, key: str) -> str | None:
        """A key's value as it is written, a reference or the value itself."""
        return self.written.texts.get(key_name(self.environment, key)) or None

    def secret(self, key: str) -> Secret | None:
        """What a secret's key leads to."""
        return self.written.secret(key_name(self.environment, key))

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets that verify an event."""
        found = (self.secret("webhook_secret"), self.secret("previous_webhook_secret"))
        return tuple(secret for secret in found if secret is not None)

    @property
    def endpoint_ids(self) -> set[str]:
        """The endpoints that the file names."""
        named = (self.text("webhook_endpoint_id"), self.text("previous_webhook_endpoint_id"))
        return {name for name in named if name}


@dataclass(frozen=True, slots=True)
class Desk:
    """What a command works with.

    Attributes:
        say: tells the admin what has been done.
    """

    cli: CliContext
    environment: Environment
    say: Callable[[str], None]

    def member(self, organisation_id: str) -> Member:
        """An organisation's keys.

        Raises:
            EditError: it has no file, or one that cannot be read.
        """
        written = self.cli.tenant_editor.written(organisation_id, PLUGIN)
        return Member(organisation_id, self.environment, written)

    def members(self) -> list[Member]:
        """The keys of every organisation that has a file, whether it is in order or not."""
        return [self.member(organisation_id) for organisation_id in self.cli.tenant_editor.ids()]

    def sharing(self, member: Member) -> list[Member]:
        """Everybody who has one of a member's secrets, the member itself included."""
        return [each for each in self.members() if set(each.secrets) & set(member.secrets)]

    def named_endpoints(self) -> set[str]:
        """Every endpoint that some organisation's file names."""
        return {name for each in self.members() for name in each.endpoint_ids}

    @contextmanager
    def acting(self, member: Member, action: str) -> Iterator[TenantScope]:
        """A scope to ask Stripe in. The act is recorded in the same transaction, and not if it fails.

        Raises:
            EditError: the organisation's file is not in order, apart from the secret that may be missing.
        """
        with self.looking(member) as scope:
            organisation, target = scope.organisation.id, f"stripe_webhook:{self.environment}"
            record(scope.session, organisation, actor=self.cli.actor, action=action, target=target)
            # Before anything is done at Stripe: a database that cannot take this would be noticed too late.
            scope.session.flush()
            yield scope

    @contextmanager
    def looking(self, member: Member) -> Iterator[TenantScope]:
        """A scope to ask Stripe in, for what changes nothing."""
        lacking = member.secret("webhook_secret") is None
        assumed = {key_name(self.environment, "webhook_secret"): NOT_MADE_YET} if lacking else {}
        organisation = self.cli.tenant_editor.load(member.id, PLUGIN, assumed)
        if organisation.settings.get(PLUGIN, {}).get(key_name(self.environment, "secret_key")) is None:
            key = key_name(self.environment, "secret_key")
            raise EndpointError(f"{organisation.source} has no {key}: without it Stripe cannot be asked")
        with self.cli.runtime.transaction(organisation) as scope:
            yield scope

    def save(self, member: Member, **changes: str | None) -> None:
        """Change webhook keys in the organisation's file.

        Args:
            changes: by the key's name in live.
        """
        named = {key_name(self.environment, key): value for key, value in changes.items()}
        self.cli.tenant_editor.change(member.id, PLUGIN, named)

    def keep(self, member: Member, secret: Secret, *, in_file: bool) -> str:
        """What to write for a new secret: itself, or a reference to a new file that has it."""
        if not in_file:
            return secret.reveal()
        written = member.text("webhook_secret") or ""
        # The admin may have said where, before there was anything to put there.
        chosen = written if written.startswith("file:") and member.secret("webhook_secret") is None else None
        reference = chosen or f"file:secrets/{member.id}-{self.environment}-webhook"
        return self.cli.tenant_editor.keep_secret(member.id, reference, secret)

    def forget(self, texts: Iterable[str | None]) -> None:
        """Remove the files of secrets that nobody refers to any more."""
        for text in {text for text in texts if text}:
            if self.cli.tenant_editor.forget_secret(text):
                self.say(f"removed {text.removeprefix('file:')}, which nothing refers to any more")

    @contextmanager
    def unmade_on_failure(self, scope: TenantScope, endpoint: Endpoint) -> Iterator[None]:
        """Delete a new endpoint again if its secret cannot be kept: nobody could verify what it sends."""
        try:
            yield
        except Exception:
            with suppress(AskingFailed):
                delete_endpoint(scope, self.environment, endpoint.id)
            raise
