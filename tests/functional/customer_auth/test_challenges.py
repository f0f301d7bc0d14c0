"""The store of links and codes, below the calls that use it."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from customer_auth.challenges import store
from customer_auth.challenges.domain import LIFETIMES, MOST_WRONG_CODES, Purpose
from customer_auth.challenges.errors import InvalidCode, InvalidLink
from customer_auth.challenges.models import Challenge
from customer_auth.domain import token_hash
from tests.functional.customer_auth.mailing import let_pass

EMAIL = "ada@example.org"


def made(shop, purpose=Purpose.RESET, email=EMAIL, **options):
    with shop.autonomy.scope(shop.id) as scope:
        return store.create(scope, purpose, email, **options)


def follow(shop, token, purpose=Purpose.RESET, **options):
    with shop.autonomy.scope(shop.id) as scope:
        return store.use_link(scope, purpose, token, **options).email


def type_in(shop, code, flow="handle", purpose=Purpose.SIGN_IN):
    with shop.autonomy.scope(shop.id) as scope:
        return store.use_code(scope, purpose, code, flow=flow).email


def made_with_code(shop, handle="handle"):
    return made(shop, Purpose.SIGN_IN, with_code=True, browser_hash=token_hash(handle))


def test_a_link_is_used_once(shop):
    issued = made(shop)
    assert follow(shop, issued.token) == EMAIL
    with pytest.raises(InvalidLink):
        follow(shop, issued.token)


@pytest.mark.parametrize("purpose", Purpose)
def test_a_link_ends_after_its_lifetime(shop, purpose):
    first, second = made(shop, purpose), made(shop, purpose, "eve@example.org")
    let_pass(shop, LIFETIMES[purpose] - timedelta(minutes=1))
    follow(shop, first.token, purpose)
    let_pass(shop, timedelta(minutes=1))
    with pytest.raises(InvalidLink):
        follow(shop, second.token, purpose)


@pytest.mark.parametrize("purpose", [each for each in Purpose if each is not Purpose.VERIFY])
def test_a_link_is_good_for_one_purpose(shop, purpose):
    issued = made(shop, Purpose.VERIFY)
    with pytest.raises(InvalidLink):
        follow(shop, issued.token, purpose)
    follow(shop, issued.token, Purpose.VERIFY)


def test_a_link_of_another_organisation_is_unknown(shop, other_shop):
    issued = made(shop)
    with pytest.raises(InvalidLink):
        follow(other_shop, issued.token)
    follow(shop, issued.token)


def test_neither_tokens_nor_codes_are_stored(shop):
    issued = made_with_code(shop)
    with shop.autonomy.scope() as scope:
        row = str(scope.session.execute(text("SELECT c::text FROM customer_auth_challenges c")).all())
    assert issued.token not in row
    assert issued.code.replace("-", "") not in row
    assert issued.token not in repr(issued)
    assert issued.code not in repr(issued)


def test_a_bound_link_needs_the_handle_of_its_client(shop):
    issued = made_with_code(shop)
    for flow in (None, "another"):
        with pytest.raises(InvalidLink):
            follow(shop, issued.token, Purpose.SIGN_IN, flow=flow)
    follow(shop, issued.token, Purpose.SIGN_IN, flow="handle")


def test_a_code_needs_the_handle_of_its_client(shop):
    issued = made_with_code(shop)
    with pytest.raises(InvalidCode):
        type_in(shop, issued.code, flow="another")
    assert type_in(shop, issued.code.lower().replace("-", " ")) == EMAIL


def test_a_code_without_a_handle_belongs_to_its_customer(shop):
    ada, eve = shop.autonomy.customer(), shop.autonomy.customer(email="eve@example.org")
    issued = made(shop, Purpose.VERIFY, customer_id=ada.id, with_code=True)
    for customer, code in ((eve, issued.code), (ada, "BBBB-BBBB")):
        with pytest.raises(InvalidCode), shop.autonomy.scope() as scope:
            store.use_code(scope, Purpose.VERIFY, code, customer_id=customer.id)
    with shop.autonomy.scope() as scope:
        store.use_code(scope, Purpose.VERIFY, issued.code, customer_id=ada.id)


def test_five_wrong_codes_end_a_challenge(shop):
    issued = made_with_code(shop)
    for _ in range(MOST_WRONG_CODES):
        with pytest.raises(InvalidCode):
            type_in(shop, "BBBB-BBBB")
    with pytest.raises(InvalidCode):
        type_in(shop, issued.code)
    with pytest.raises(InvalidLink):
        follow(shop, issued.token, Purpose.SIGN_IN, flow="handle")


def test_wrong_codes_of_another_client_do_not_count(shop):
    issued = made_with_code(shop)
    for _ in range(MOST_WRONG_CODES):
        with pytest.raises(InvalidCode):
            type_in(shop, "BBBB-BBBB", flow="another")
    type_in(shop, issued.code)


def test_a_code_is_valid_while_the_secret_is_being_replaced(shop, monkeypatch):
    issued = made_with_code(shop)
    old = store.organisation_key
    monkeypatch.setattr(store, "organisation_keys", lambda scope, purpose: (b"n" * 32, old(scope, purpose)))
    type_in(shop, issued.code)


def test_expired_challenges_are_removed_by_later_ones(shop):
    for number in range(5):
        made(shop, email=f"customer{number}@example.org")
    let_pass(shop, LIFETIMES[Purpose.RESET])
    made(shop)
    with shop.autonomy.scope() as scope:
        assert scope.session.scalar(select(func.count()).select_from(Challenge)) == 1


def test_a_new_password_ends_what_was_mailed_but_the_way_back(shop):
    ada = shop.autonomy.customer()
    reset = made(shop, customer_id=ada.id)
    undo = made(shop, Purpose.UNDO, customer_id=ada.id)
    with shop.autonomy.scope() as scope:
        store.end_with_password(scope, ada.id)
    with pytest.raises(InvalidLink):
        follow(shop, reset.token)
    follow(shop, undo.token, Purpose.UNDO)


@pytest.mark.concurrent
def test_of_fifty_uses_at_once_one_wins(committed_shop):
    issued = made(committed_shop)

    def use(_):
        try:
            return follow(committed_shop, issued.token)
        except InvalidLink:
            return "refused"

    with ThreadPoolExecutor(50) as pool:
        assert Counter(pool.map(use, range(50))) == {EMAIL: 1, "refused": 49}


@pytest.mark.concurrent
def test_links_that_end_each_other_do_not_deadlock(committed_shop):
    tokens = [made(committed_shop).token for _ in range(8)]

    def use(token):
        try:
            return follow(committed_shop, token)
        except InvalidLink:
            return "refused"

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(use, tokens)) == {EMAIL: 1, "refused": 7}


@pytest.mark.concurrent
def test_guesses_at_once_do_not_exceed_the_limit(committed_shop):
    made_with_code(committed_shop)

    def guess(_):
        with pytest.raises(InvalidCode):
            type_in(committed_shop, "BBBB-BBBB")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(guess, range(16)))
    with committed_shop.autonomy.scope() as scope:
        assert scope.session.scalar(select(Challenge.wrong_codes)) == MOST_WRONG_CODES
