"""The cache of logins of an application, which a test replaces."""

from pyramid.interfaces import ISecurityPolicy

from customer_auth.sessions.authenticator import AccessTokenAuthenticator
from customer_auth.sessions.browsers import SessionAuthenticator
from customer_auth.sessions.recent import Recent


def cache_logins(autonomy, monkeypatch, logins):
    """Have an application look logins up in `logins`, an `OpenLogins`, until the test ends."""
    policy = autonomy.app.app.registry.getUtility(ISecurityPolicy)
    (authenticator,) = (
        each for _, each in policy._authenticators if isinstance(each, AccessTokenAuthenticator)
    )
    monkeypatch.setattr(authenticator, "open_logins", logins)


def look_browsers_up_each_time(autonomy, monkeypatch):
    """Disable the cache of the logins of browsers until the test ends."""
    policy = autonomy.app.app.registry.getUtility(ISecurityPolicy)
    (authenticator,) = (each for _, each in policy._authenticators if isinstance(each, SessionAuthenticator))
    monkeypatch.setattr(authenticator, "logins", Recent(0, 1))
