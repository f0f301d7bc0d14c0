import logging

import pytest
import structlog

PASSWORD = "correct horse battery staple"


@pytest.fixture
def everything_said(caplog, capsys):
    """The whole log and output as one text."""
    caplog.set_level(logging.DEBUG)

    with structlog.testing.capture_logs() as entries:
        yield lambda: f"{entries} {caplog.text} {capsys.readouterr()}"


def test_no_secret_is_logged_for_any_outcome(shop, everything_said):
    tokens = shop.register(password=PASSWORD).json
    shop.login(password=PASSWORD)
    shop.login(password=PASSWORD + "!", status=401)
    shop.register(password=PASSWORD, status=409)
    newer = shop.refresh(tokens["refresh_token"]).json
    shop.refresh(tokens["refresh_token"], 409)
    shop.me(newer["access_token"])
    shop.me(newer["access_token"] + "x", 401)
    shop.logout(newer["refresh_token"])
    said = everything_said()
    for secret in (PASSWORD, *secrets_of(tokens), *secrets_of(newer)):
        assert secret not in said


def secrets_of(tokens):
    return tokens["access_token"], tokens["refresh_token"]


def test_a_refused_body_is_not_repeated_in_the_answer(shop):
    body = {"email": "ada", "password": PASSWORD, "name": "", "secret": PASSWORD}
    assert PASSWORD not in shop.post("register", body, 422).text
    assert PASSWORD not in shop.post("refresh", {"refresh_token": [PASSWORD]}, 422).text


def test_the_copy_of_a_token_is_logged_with_ids_only(shop, everything_said):
    from datetime import timedelta

    from sqlalchemy import update

    from customer_auth.models import RefreshToken

    answer = shop.register().json
    shop.refresh(answer["refresh_token"])
    with shop.autonomy.scope() as scope:
        scope.session.execute(update(RefreshToken).values(used_at=RefreshToken.used_at - timedelta(hours=1)))
    shop.refresh(answer["refresh_token"], 401)
    said = everything_said()
    assert "customer_auth.refresh_token_reused" in said
    assert answer["customer"]["id"] in said
    assert answer["refresh_token"] not in said


def test_tokens_are_not_in_the_representation_of_an_answer():
    from customer_auth.sessions.services import Tokens

    assert "s3cret" not in repr(Tokens("s3cret", "s3cret", 900))
