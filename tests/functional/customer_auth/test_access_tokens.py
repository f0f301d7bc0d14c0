import base64
import json
import time

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from autonomy_core.plugin_api.security import organisation_key
from customer_auth.domain import AUDIENCE
from customer_auth.sessions import open_logins
from customer_auth.sessions.open_logins import OpenLogins
from tests.support.logins import cache_logins


def key_of(shop, purpose="customer_auth.access_token"):
    with shop.autonomy.scope(shop.id) as scope:
        return OctKey.import_key(organisation_key(scope, purpose))


def claims_of(token):
    return json.loads(part(token, 1))


def part(token, index):
    text = token.split(".")[index]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def packed(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.fixture
def forge(shop):
    """A token with the organisation's own key, different in what a test says."""
    good = claims_of(shop.register().json["access_token"])

    def make(header=None, key=None, without=(), **claims):
        payload = {name: value for name, value in {**good, **claims}.items() if name not in without}
        header = {"alg": "HS256", "typ": "at+jwt", **(header or {})}
        return jwt.encode(
            header, payload, key or key_of(shop), ["HS256", "HS384", "HS512"], default_type=None
        )

    return make


def test_a_token_has_subject_audience_and_lifetime(shop):
    answer = shop.register().json
    claims = claims_of(answer["access_token"])
    assert claims["iss"] == "acme"
    assert claims["sub"] == answer["customer"]["id"]
    assert claims["aud"] == AUDIENCE
    assert claims["exp"] - claims["iat"] == answer["expires_in"]


def test_a_token_like_ours_is_accepted(shop, forge):
    shop.me(forge())


def test_the_lifetime_of_a_token_is_the_organisations_setting(make_shop):
    assert make_shop(access_token_minutes=2).register().json["expires_in"] == 120


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_is_refused_although_the_key_is_right(shop, forge, algorithm):
    shop.me(forge({"alg": algorithm}), 401)


@pytest.mark.parametrize("algorithm", ["none", "None", "", None, 5])
def test_an_unsigned_token_is_refused(shop, forge, algorithm):
    claims = forge().split(".")[1]
    for signature in ("", "AAAA"):
        shop.me(f"{packed({'alg': algorithm, 'typ': 'at+jwt'})}.{claims}.{signature}", 401)


@pytest.mark.parametrize("type_", ["JWT", "rt+jwt", "", None, ["at+jwt"]])
def test_a_token_of_another_type_is_refused(shop, forge, type_):
    claims = forge().split(".")[1]
    header = packed({"alg": "HS256", "typ": type_})
    signed = sign(key_of(shop), f"{header}.{claims}")
    shop.me(signed, 401)


def sign(key, text):
    import hashlib
    import hmac

    mac = hmac.new(key.raw_value, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def test_a_token_forged_with_the_right_key_is_accepted(shop, forge):
    claims = forge().split(".")[1]
    shop.me(sign(key_of(shop), f"{packed({'alg': 'HS256', 'typ': 'at+jwt'})}.{claims}"))


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1},
        {"exp": "tomorrow"},
        {"exp": None},
        {"exp": True},
        {"iat": time.time() + 86400},
        {"aud": "another-api"},
        {"aud": []},
        {"aud": None},
        {"iss": "beacon"},
        {"iss": None},
        {"iss": ["acme"]},
        {"sub": "ada"},
        {"sub": ""},
        {"sub": 5},
        {"sub": None},
        {"sid": "a login"},
        {"sid": 5},
        {"sid": None},
        {"sid": ["a", "b"]},
        {"nbf": time.time() + 86400},
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(shop, forge, claims):
    shop.me(forge(**claims), 401)


@pytest.mark.parametrize("claim", ["iss", "sub", "sid", "aud", "iat", "exp"])
def test_a_token_that_lacks_a_claim_is_refused(shop, forge, claim):
    shop.me(forge(without=[claim]), 401)


def test_a_key_for_another_purpose_signs_no_access_token(shop, forge):
    shop.me(forge(key=key_of(shop, "media_mp3.signed_url")), 401)


def test_a_token_issued_slightly_in_the_future_is_accepted(shop, forge):
    shop.me(forge(iat=int(time.time()) + 5))


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_token_of_which_one_bit_was_changed_is_refused(shop, forge, index):
    parts = forge().split(".")
    changed = bytearray(part(".".join(parts), index))
    changed[len(changed) // 2] ^= 1
    parts[index] = base64.urlsafe_b64encode(changed).rstrip(b"=").decode()
    shop.me(".".join(parts), 401)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "....",
        "a.b.c",
        "tökën",
        "e30.e30.e30",
        "é.è.ê",
        "=.=.=",
        "W10.W10.W10",
        "x" * 100_000,
        "x." * 50_000,
    ],
)
def test_a_malformed_token_is_refused(shop, token):
    shop.me(token.encode().decode("latin-1"), 401)


@pytest.mark.parametrize("member", ["alg", "typ", "crit", "kid", "b64", "zip", "jwk"])
@pytest.mark.parametrize("value", [None, 5, True, "", "x", [], [5], [[]], {}, {"x": 1}])
def test_a_token_with_an_invalid_header_is_refused(shop, member, value):
    shop.me(f"{packed({'alg': 'HS256', 'typ': 'at+jwt', member: value})}.e30.e30", 401)


def test_a_token_with_a_deeply_nested_header_is_refused(shop):
    deep = base64.urlsafe_b64encode(b"[" * 1000).decode().rstrip("=")
    shop.me(f"{deep}.e30.e30", 401)


@pytest.fixture
def asked(monkeypatch):
    """The logins about which the database was asked."""
    bearers, ask = [], open_logins._is_open

    def remember(scope, bearer):
        bearers.append(bearer)
        return ask(scope, bearer)

    monkeypatch.setattr(open_logins, "_is_open", remember)
    return bearers


@pytest.fixture
def clock(autonomy, monkeypatch):
    now = [1000.0]
    cache_logins(autonomy, monkeypatch, OpenLogins(clock=lambda: now[0]))
    return now


def test_the_state_of_a_login_is_cached_for_seconds(shop, asked, clock):
    token = shop.register().json["access_token"]
    asked.clear()
    counts = []
    for seconds in (0.0, 1.0, 1.9, 0.2):
        clock[0] += seconds
        shop.me(token)
        counts.append(len(asked))
    assert counts == [1, 1, 1, 2]


def test_a_forged_token_causes_no_query(shop, asked):
    token = shop.register().json["access_token"]
    asked.clear()
    shop.me(token[:-4] + "AAAA", 401)
    assert asked == []


def test_an_ended_login_is_refused_at_once(shop, clock):
    tokens = shop.register().json
    shop.logout(tokens["refresh_token"])
    shop.me(tokens["access_token"], 401)


def test_the_cache_of_logins_is_bounded(shop, asked, autonomy, monkeypatch):
    cache_logins(autonomy, monkeypatch, OpenLogins(cached_for_s=3600, most=1))
    first, second = shop.register().json["access_token"], shop.login().json["access_token"]
    asked.clear()
    counts = []
    for token in (first, second, second, first):
        shop.me(token)
        counts.append(len(asked))
    assert counts == [1, 2, 2, 3]


@pytest.mark.parametrize("customer", ["of the shop", "of another shop"])
def test_a_token_with_another_customers_login_is_refused(shop, other_shop, forge, customer):
    where = shop if customer == "of the shop" else other_shop
    theirs = claims_of(where.register(email="eve@example.org").json["access_token"])["sid"]
    shop.me(forge(sid=theirs), 401)
