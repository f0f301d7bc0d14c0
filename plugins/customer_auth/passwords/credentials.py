"""What lets a customer in: set a password, or remove everything that was set up."""

from __future__ import annotations

from uuid import UUID

import structlog
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from autonomy_core.plugin_api.customers import Customer, announce_logins_ended, lock_current
from autonomy_core.plugin_api.mail import send
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.scope import TenantScope
from customer_auth.challenges import store
from customer_auth.challenges.mails import MailKind
from customer_auth.challenges.models import Challenge
from customer_auth.models import Credential
from customer_auth.personal_data import tables_about_customers
from customer_auth.sessions import flows
from customer_auth.sessions.services import end_all_sessions

log = structlog.get_logger(__name__)


def set_password(scope: TenantScope, customer: Customer, password_hash: str) -> None:
    """Store a new password, end all logins of the customer, also begun ones, and tell the owner by mail.

    Args:
        scope: the scope of the organisation.
        customer: the account, which may have had no password.
        password_hash: the hash of the new password.

    Raises:
        NotFound: the account was erased or merged meanwhile.
    """
    # All code locks challenges, then the customer, then credentials and logins, which prevents deadlocks.
    lock_current(scope, customer)
    values = {"password_hash": password_hash, "changed_at": utcnow()}
    key = {"organisation_id": scope.organisation.id, "customer_id": customer.id}
    new = insert(Credential).values({**key, **values})
    scope.session.execute(new.on_conflict_do_update(index_elements=[*key], set_=values))
    flows.forget(scope, customer.id)
    end_all_sessions(scope, customer.id)
    notify_of_new_password(scope, customer)


def notify_of_new_password(scope: TenantScope, customer: Customer) -> None:
    """Tell the owner of the account that the password was changed."""
    template = MailKind.PASSWORD_CHANGED.template
    values = {"at": utcnow().isoformat(timespec="seconds")}
    send(scope, template, customer.email, values, customer_id=customer.id, locale=customer.locale)


def forget_credentials(scope: TenantScope, customer_id: UUID) -> None:
    """Remove everything that lets a person in as the customer: an unproven or hostile person has set it up.

    The owner of the mailbox sets up new credentials with a link to the mailbox. Links in receipts and ways
    back stay. Every table of the plugin with a customer counts, so that no new kind of credential is
    forgotten.
    """
    store.end_with_password(scope, customer_id)
    announce_logins_ended(scope, customer_id)
    for table in tables_about_customers():
        if table is Challenge:
            continue
        scope.session.execute(delete(table).where(table.customer_id == customer_id))
    log.warning("customer_auth.credentials_forgotten", customer=str(customer_id))
