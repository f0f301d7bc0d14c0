"""The context of the commands for webhook endpoints: the organisations' files, and Stripe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from autonomy_core.plugin_api.audit import record
from autonomy_core.plugin_api.commands import CliContext, WrittenSettings
from autonomy_core.plugin_api.payments import Environment
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.settings import Secret
from stripe_payments.endpoints.client import Endpoint, StripeCallFailed, delete_endpoint
from stripe_payments.settings import PLUGIN, key_name

NOT_MADE_YET = "whsec_not_made_yet"
"""A placeholder for a secret that will be created, so that the rest of the file can be validated and used."""


class EndpointError(Exception):
    """The command cannot be executed. The message gives the reason and the remedy."""


@dataclass(frozen=True, slots=True)
class Participant:
    """An organisation's webhook keys of one environment, as currently written in its file."""

    id: str
    environment: Environment
    written: WrittenSettings

    def text(self, key: str) -> str | None:
        """Return a key's value as written: a reference or the value itself."""
        return self.written.texts.get(key_name(self.environment, key)) or None

    def secret(self, key: str) -> Secret | None:
        """Return the resolved secret of a key."""
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
class EndpointAdmin:
    """The context of a command.

    Attributes:
        cli: the command line's context.
        environment: the environment of the keys.
        say: prints a line about a completed step.
    """

    cli: CliContext
    environment: Environment
    say: Callable[[str], None]

    def participant(self, organisation_id: str) -> Participant:
        """Return an organisation's keys.

        Raises:
            EditError: it has no file, or the file cannot be read.
        """
        written = self.cli.tenant_editor.written(organisation_id, PLUGIN)
        return Participant(organisation_id, self.environment, written)

    def participants(self) -> list[Participant]:
        """Return the keys of every organisation that has a file, even if the file is invalid."""
        return [self.participant(organisation_id) for organisation_id in self.cli.tenant_editor.ids()]

    def sharing(self, participant: Participant) -> list[Participant]:
        """Return all organisations that have one of the participant's secrets, including the participant."""
        return [each for each in self.participants() if set(each.secrets) & set(participant.secrets)]

    def named_endpoints(self) -> set[str]:
        """Return every endpoint that an organisation's file names."""
        return {name for each in self.participants() for name in each.endpoint_ids}

    @contextmanager
    def changing(self, participant: Participant, action: str) -> Iterator[TenantScope]:
        """Open a scope for changes at Stripe.

        The audit entry is in the same transaction, so a failure removes it.

        Raises:
            EditError: the organisation's file is invalid, apart from a missing secret.
        """
        with self.reading(participant) as scope:
            record(scope, actor=self.cli.actor, action=action, target=f"stripe_webhook:{self.environment}")
            # Before any change at Stripe, so that an error of the database is detected in time.
            scope.session.flush()
            yield scope

    @contextmanager
    def reading(self, participant: Participant) -> Iterator[TenantScope]:
        """Open a scope for calls to Stripe that change nothing."""
        lacking = participant.secret("webhook_secret") is None
        assumed = {key_name(self.environment, "webhook_secret"): NOT_MADE_YET} if lacking else {}
        organisation = self.cli.tenant_editor.load(participant.id, PLUGIN, assumed)
        if organisation.settings.get(PLUGIN, {}).get(key_name(self.environment, "secret_key")) is None:
            key = key_name(self.environment, "secret_key")
            raise EndpointError(f"{organisation.source} has no {key}: it is needed to call Stripe")
        with self.cli.scope_of(organisation).begin() as scope:
            yield scope

    def save(self, participant: Participant, **changes: str | None) -> None:
        """Change webhook keys in the organisation's file.

        Args:
            participant: the organisation.
            changes: the new values, by the key's name in live.
        """
        named = {key_name(self.environment, key): value for key, value in changes.items()}
        self.cli.tenant_editor.change(participant.id, PLUGIN, named)

    def keep(self, participant: Participant, secret: Secret, *, in_file: bool) -> str:
        """Return the text to write for a new secret.

        It is the secret, or a reference to a new file that contains it.
        """
        if not in_file:
            return secret.reveal()
        written = participant.text("webhook_secret") or ""
        # The ini file may already name a file that does not exist yet.
        chosen = (
            written if written.startswith("file:") and participant.secret("webhook_secret") is None else None
        )
        reference = chosen or f"file:secrets/{participant.id}-{self.environment}-webhook"
        return self.cli.tenant_editor.keep_secret(participant.id, reference, secret)

    def forget(self, texts: Iterable[str | None]) -> None:
        """Remove the files of secrets without references."""
        for text in {text for text in texts if text}:
            if self.cli.tenant_editor.forget_secret(text):
                self.say(f"removed {text.removeprefix('file:')}, which has no references any more")

    @contextmanager
    def deleted_on_failure(self, scope: TenantScope, endpoint: Endpoint) -> Iterator[None]:
        """Delete a new endpoint if its secret cannot be stored, because its events could not be verified."""
        try:
            yield
        except Exception:
            with suppress(StripeCallFailed):
                delete_endpoint(scope, self.environment, endpoint.id)
            raise
