from collections import Counter
from datetime import timedelta

import pytest

from tests.functional.customer_auth.concurrent_calls import at_once, statuses
from tests.functional.customer_auth.mailing import ADA, EVE, Post, customer, let_pass, row_of

NEW = "a much longer engine"


def forget(shop, email=ADA, status=202):
    return shop.post("password/forgotten", {"email": email}, status)


def reset(shop, token, password=NEW, status=204):
    return shop.post("password/reset", {"token": token, "password": password}, status)


def test_a_forgotten_password_is_replaced_with_a_link(shop, post):
    shop.register()
    post.arrived()
    forget(shop)
    letter = post.one()
    assert (letter.to, letter.purpose) == (ADA, "reset")
    reset(shop, letter.token)
    shop.login(password=NEW)
    shop.login(status=401)


def test_a_reset_ends_all_logins_and_tells_the_owner(shop, post, asked_each_time):
    tokens = shop.register().json
    forget(shop)
    token = {letter.purpose: letter for letter in post.arrived()}["reset"].token
    reset(shop, token)
    shop.me(tokens["access_token"], 401)
    shop.refresh(tokens["refresh_token"], 401)
    notice = post.one()
    assert notice.to == ADA
    assert token not in notice.text


def test_a_reset_proves_the_mailbox(shop, post):
    customer(shop)
    forget(shop)
    reset(shop, post.one().token)
    assert row_of(shop, ADA).email_verified_at is not None


def test_a_customer_without_a_password_gets_one(shop, post):
    customer(shop)
    forget(shop)
    reset(shop, post.one().token)
    shop.login(password=NEW)


def test_a_guest_becomes_an_account_with_a_password(shop, post):
    customer(shop, guest=True)
    forget(shop)
    reset(shop, post.one().token)
    shop.login(password=NEW)


def test_an_address_without_a_customer_gets_no_mail(shop, post):
    forget(shop, EVE)
    assert post.arrived() == []


def test_a_link_resets_once(shop, post):
    customer(shop)
    forget(shop)
    token = post.one().token
    reset(shop, token)
    answer = reset(shop, token, "another engine", 422)
    assert answer.json["code"] == "invalid_link"
    shop.login(password=NEW)


def test_a_reset_ends_the_other_links_on_their_way(shop, post):
    customer(shop)
    forget(shop)
    forget(shop)
    first, second = post.arrived()
    reset(shop, first.token)
    reset(shop, second.token, status=422)


def test_a_weak_password_does_not_use_up_the_link(shop, post):
    customer(shop)
    forget(shop)
    token = post.one().token
    answer = reset(shop, token, "qwertyuiop", 422)
    assert answer.json["code"] == "weak_password"
    reset(shop, token, "short", 422)
    reset(shop, token)


def test_a_link_ends_after_an_hour(shop, post):
    customer(shop)
    forget(shop)
    token = post.one().token
    let_pass(shop, timedelta(minutes=60))
    reset(shop, token, status=422)


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "A" * 1024, "\u2028", "' OR 1=1 --"])
def test_a_guessed_token_is_refused_before_a_hash_is_made(shop, monkeypatch, token):
    from customer_auth.passwords.hashing import Passwords

    monkeypatch.setattr(Passwords, "hash", lambda *_: pytest.fail("hashed"))
    assert reset(shop, token, status=422).json["code"] == "invalid_link"


def test_tokens_share_nothing_that_helps_to_guess_the_next(shop, post):
    customer(shop)
    for _ in range(3):
        forget(shop)
    tokens = [letter.token for letter in post.arrived()]
    assert {len(token) for token in tokens} == {43}
    for place in zip(*tokens, strict=True):
        assert len(place) == 3
    shared = Counter(one == other for one, other in zip(tokens[0], tokens[1], strict=True))
    assert shared[True] < 12


def test_a_link_of_another_organisation_is_unknown(shop, other_shop, post):
    customer(shop)
    customer(other_shop)
    forget(shop)
    token = post.one().token
    reset(other_shop, token, status=422)
    reset(shop, token)
    other_shop.login(password=NEW, status=401)


def test_a_blocked_customer_gets_no_link_and_uses_none(shop, post):
    from sqlalchemy import update

    from autonomy_core.plugin_api.customers import Customer
    from autonomy_core.plugin_api.models import utcnow

    customer(shop)
    forget(shop)
    token = post.one().token
    with shop.autonomy.scope() as scope:
        scope.session.execute(update(Customer).values(blocked_at=utcnow(), blocked_because="fraud"))
    reset(shop, token, status=422)
    forget(shop)
    assert post.arrived() == []


HOSTS = [
    {"Host": "evil.example"},
    {"Host": "acme.example", "X-Forwarded-Host": "evil.example"},
    {"Host": "acme.example", "Forwarded": "host=evil.example", "X-Host": "evil.example"},
    {"Host": "acme.example:1234"},
]


@pytest.mark.parametrize("headers", HOSTS, ids=str)
def test_the_host_of_the_request_does_not_lead_the_link(shop, post, headers):
    customer(shop)
    shop.post("password/forgotten", {"email": ADA}, 202, headers)
    assert post.one().page == "https://acme.example/api/v1/customers/link"


def test_links_lead_to_the_page_of_the_settings(make_shop):
    shop = make_shop(account_url="https://shop.example/account?from=mail")
    customer(shop)
    forget(shop)
    assert Post(shop).one().page == "https://shop.example/account?from=mail"


@pytest.mark.parametrize("url", ["shop.example", "ftp://shop.example/", "https://shop.example/#a", "x"])
def test_an_account_url_that_is_none_is_reported(make_shop, url):
    with pytest.raises(AssertionError, match="account_url"):
        make_shop(account_url=url)


@pytest.mark.concurrent
def test_of_simultaneous_resets_one_wins(committed_shop):
    customer(committed_shop)
    forget(committed_shop)
    token = Post(committed_shop).one().token
    bodies = [{"token": token, "password": f"engine number {number}"} for number in range(8)]
    assert statuses(at_once(committed_shop, "password/reset", bodies)) == {204: 1, 422: 7}


def test_no_connection_is_held_while_the_password_is_hashed(committed_shop, monkeypatch):
    from customer_auth.passwords.hashing import Passwords

    customer(committed_shop)
    forget(committed_shop)
    token = Post(committed_shop).one().token
    held, real = [], Passwords.hash
    pool = committed_shop.autonomy.database.engine.pool
    monkeypatch.setattr(
        Passwords, "hash", lambda self, password: held.append(pool.checkedout()) or real(self, password)
    )
    reset(committed_shop, token)
    assert held == [0]
