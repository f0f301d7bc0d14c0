"""The cache of logins of an application, which a test replaces."""

from pyramid.interfaces import ISecurityPolicy

from customer_auth.sessions.authenticator import AccessTokenAuthenticator


def cache_logins(autonomy, monkeypatch, logins):
    """Have an application look logins up in `logins`, an `OpenLogins`, until the test ends."""
    policy = autonomy.app.app.registry.getUtility(ISecurityPolicy)
    (authenticator,) = (
        each for _, each in policy._authenticators if isinstance(each, AccessTokenAuthenticator)
    )
    monkeypatch.setattr(authenticator, "open_logins", logins)
