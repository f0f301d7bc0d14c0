"""A stored answer can be decrypted by the same request only, of the same organisation and server."""

from dataclasses import replace

import pytest

from autonomy_core.idempotency.domain import Claim, StoredAnswer
from autonomy_core.idempotency.sealing import Unopened, mark_of, name_of, seal, unseal
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.tenancy.secrets import Secret

CLAIM = Claim("nobody", "POST", "customers/login", "a-key")
FINGERPRINT = b"f" * 32
ANSWER = StoredAnswer(200, (("Content-Type", "application/json"),), b'{"access_token": "a.b.c"}')


@pytest.fixture
def scope(autonomy):
    autonomy.organisation("acme")
    with autonomy.scope("acme") as scope:
        yield scope


@pytest.fixture
def other_scope(autonomy):
    autonomy.organisation("beacon")
    with autonomy.scope("beacon") as scope:
        yield scope


@pytest.fixture
def other_server(scope):
    settings = replace(runtime_of(scope).settings, secret=Secret("another secret of the server's".ljust(40)))
    return replace(scope, _runtime=replace(runtime_of(scope), settings=settings))


def test_the_same_request_opens_the_answer(scope):
    assert unseal(scope, CLAIM, FINGERPRINT, seal(scope, CLAIM, FINGERPRINT, ANSWER)) == ANSWER


def test_nothing_of_the_answer_is_readable_and_no_two_are_sealed_alike(scope):
    sealed = seal(scope, CLAIM, FINGERPRINT, ANSWER)
    assert b"token" not in sealed
    assert seal(scope, CLAIM, FINGERPRINT, ANSWER) != sealed


@pytest.mark.parametrize(
    ("claim", "fingerprint"),
    [
        (replace(CLAIM, key="another-key"), FINGERPRINT),
        (replace(CLAIM, caller="customer:1"), FINGERPRINT),
        (replace(CLAIM, path="customers/refresh"), FINGERPRINT),
        (CLAIM, b"g" * 32),
    ],
)
def test_another_request_does_not_open_the_answer(scope, claim, fingerprint):
    sealed = seal(scope, CLAIM, FINGERPRINT, ANSWER)
    with pytest.raises(Unopened):
        unseal(scope, claim, fingerprint, sealed)


def test_another_organisation_or_server_does_not_open_the_answer(scope, other_scope, other_server):
    sealed = seal(scope, CLAIM, FINGERPRINT, ANSWER)
    for stranger in (other_scope, other_server):
        with pytest.raises(Unopened):
            unseal(stranger, CLAIM, FINGERPRINT, sealed)


@pytest.mark.parametrize(
    "spoil", [lambda sealed: sealed[:-1], lambda sealed: b"", lambda sealed: b"x" + sealed[1:]]
)
def test_a_changed_answer_does_not_open(scope, spoil):
    with pytest.raises(Unopened):
        unseal(scope, CLAIM, FINGERPRINT, spoil(seal(scope, CLAIM, FINGERPRINT, ANSWER)))


def test_stored_hashes_are_keyed_against_guessing(scope, other_scope, other_server):
    scopes = (scope, other_scope, other_server)
    assert len({name_of(one, CLAIM) for one in scopes}) == 3
    assert len({mark_of(one, CLAIM, FINGERPRINT) for one in scopes}) == 3


def test_equal_bodies_under_two_keys_have_different_hashes(scope):
    assert mark_of(scope, CLAIM, FINGERPRINT) != mark_of(scope, replace(CLAIM, key="b"), FINGERPRINT)
