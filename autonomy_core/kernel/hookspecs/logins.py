"""What happens to the logins of customers: hooks that take an event."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import TYPE_CHECKING

from autonomy_core.kernel.hooks import hookspec

if TYPE_CHECKING:
    from autonomy_core.kernel.login_events import CustomerLogin, LoginRequired, LoginsEnded


@hookspec
def on_login(event: CustomerLogin) -> None:
    """A customer was authenticated, and is about to be logged in. The hook may demand a second factor.

    Fires: before a login gets its tokens, whatever the way to log in; not if the account's own settings ask
    for a second factor anyway, until it was given.
    Transaction: the one of the login; a hook cannot end it, see docs/transactions.md.
    Raising: the login is rolled back and rejected. Raise `NotAllowed` with a sentence for the customer.
    Twice: yes. If an implementation has demanded a second factor, the hook runs again after it was given,
    with ``mfa`` in ``event.methods``. An account without a second factor cannot meet the demand: its login is
    refused with 403 ``second_factor_missing``.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> @hookimpl
        ... def on_login(event):
        ...     if event.is_new_device and event.has_second_factor:
        ...         event.require_second_factor()
    """


@hookspec
def on_login_required(event: LoginRequired) -> None:
    """A credential is about to be made or changed. Refuse it if the login of the request has ended.

    A plugin that authenticates customers looks the login up, without a cache.

    Fires: before a customer makes a password, passkey, app password or feed, or changes the address or the
    second factor, and before a member of staff issues an API key or an invitation.
    Transaction: the one that makes the credential; a hook cannot end it, see docs/transactions.md. It has
    locked the row of the customer, as the one of `on_logins_ended` does: of the two, one waits.
    Raising: nothing is made. Raise `NotAuthenticated`. Twice: yes.

    Example:
        >>> from autonomy_core.plugin_api.errors import NotAuthenticated
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> open_logins = set()  # a table of the plugin
        >>> @hookimpl
        ... def on_login_required(event):
        ...     if event.session_id is not None and event.session_id not in open_logins:
        ...         raise NotAuthenticated
    """


@hookspec
def on_logins_ended(event: LoginsEnded) -> None:
    """All logins of a customer are ended at once. End what else the customer has let into the account.

    Fires: when the password is changed or reset or a second factor is added, when the customer or staff end
    all logins, when staff block the customer, when the owner of a mailbox takes an account back, and when the
    owner of a mailbox proves the address of an account that another person may have set up (see
    `on_customer_verified`, ``from_outside``). The login of the request may stay. It does not fire for a
    single login.
    Transaction: the one that ends the logins; a hook cannot end it, see docs/transactions.md. It has locked
    the row of the customer.
    Raising: the logins stay, and the call is rejected. Twice: yes, whenever it happens again.

    Example:
        >>> from autonomy_core.plugin_api.hooks import hookimpl
        >>> @hookimpl
        ... def on_logins_ended(event):
        ...     print("revoke the tokens of", event.customer_id)
    """
