from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from sqlalchemy import select

from customer_auth.models import LoginSession
from customer_auth.passwords.hashing import Passwords

PASSWORD = "a long engine"
NEW = "another long engine"


def test_only_the_new_password_logs_in_after_a_change(shop):
    shop.change_password(shop.register().json["access_token"], PASSWORD, NEW)
    shop.login(password=NEW)
    assert shop.login(status=401).json["code"] == "invalid_credentials"


def test_a_change_ends_all_logins_and_gives_a_new_one(shop, asked_each_time):
    here, there = shop.register().json, shop.login().json
    new = shop.change_password(here["access_token"], PASSWORD, NEW).json
    for tokens in (here, there):
        shop.me(tokens["access_token"], 401)
        shop.refresh(tokens["refresh_token"], 401)
    shop.me(new["access_token"])
    shop.refresh(new["refresh_token"])


def test_another_customer_stays_logged_in(shop, asked_each_time):
    other = shop.register(email="eve@example.org").json
    shop.change_password(shop.register().json["access_token"], PASSWORD, NEW)
    shop.me(other["access_token"])


def test_a_change_needs_the_current_password(shop):
    token = shop.register().json["access_token"]
    assert shop.change_password(token, "a wrong engine", NEW, 422).json["code"] == "wrong_password"
    shop.login()
    shop.me(token)


def test_a_weak_new_password_is_refused(shop):
    token = shop.register().json["access_token"]
    refused = shop.change_password(token, PASSWORD, "iloveyou", 422).json
    assert (refused["code"], refused["reason"]) == ("weak_password", "common")
    assert list(refused["errors"]["body"]) == ["new_password"]
    shop.login()


def test_weak_new_passwords_do_not_count_as_failed_logins(make_shop):
    shop = make_shop(failed_logins_per_email=2)
    token = shop.register().json["access_token"]
    for _ in range(3):
        shop.change_password(token, PASSWORD, "iloveyou", 422)
    shop.login()
    shop.change_password(token, PASSWORD, NEW)


def test_a_change_needs_a_login(shop):
    shop.register()
    shop.change_password("none", PASSWORD, NEW, 401)


@pytest.mark.concurrent
def test_a_concurrent_login_with_the_old_password_is_ended(committed_shop, monkeypatch, asked_each_time):
    shop = committed_shop
    token = shop.register().json["access_token"]
    verified, changed = Event(), Event()
    compare = Passwords.compare

    def hold_the_login(self, password, password_hash):
        found = compare(self, password, password_hash)
        if not verified.is_set():
            verified.set()
            assert changed.wait(120)
        return found

    monkeypatch.setattr(Passwords, "compare", hold_the_login)
    with ThreadPoolExecutor(1) as threads:
        login = threads.submit(shop.login, status="*")
        assert verified.wait(120)
        shop.change_password(token, PASSWORD, NEW)
        changed.set()
        assert login.result(120).status_int == 401
    with shop.autonomy.scope() as scope:
        open_ones = scope.session.scalars(select(LoginSession).where(LoginSession.revoked_at.is_(None))).all()
    assert len(open_ones) == 1
