"""A shop whose customers log in, and its API as a client uses it."""

from __future__ import annotations

import pytest

from customer_auth.sessions.open_logins import OpenLogins
from tests.functional.customer_auth.mailing import Post
from tests.functional.customer_auth.opening import open_shop
from tests.support.hashes import full_hashes
from tests.support.logins import cache_logins


@pytest.fixture
def make_shop(autonomy):
    return lambda organisation_id="acme", **settings: open_shop(autonomy, organisation_id, **settings)


@pytest.fixture
def shop(make_shop):
    return make_shop()


@pytest.fixture
def post(shop):
    """The mail of the shop's customers."""
    return Post(shop)


@pytest.fixture
def asked_each_time(autonomy, monkeypatch):
    """Disable the cache of logins."""
    cache_logins(autonomy, monkeypatch, OpenLogins(cached_for_s=0))


@pytest.fixture
def as_hashed_by_a_server():
    """Passwords are hashed with the parameters of a server."""
    with full_hashes():
        yield


@pytest.fixture
def other_shop(make_shop):
    return make_shop("beacon")


@pytest.fixture
def committed_shop(committed):
    return open_shop(committed)
