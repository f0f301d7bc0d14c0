from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from customer_auth.models import Credential


def test_a_new_customer_gets_tokens_at_once(shop):
    answer = shop.register().json
    assert answer["customer"]["email"] == "ada@example.org"
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 15 * 60
    assert shop.me(answer["access_token"]).json == answer["customer"]


def test_the_answer_must_not_be_cached(shop):
    assert shop.register().headers["Cache-Control"] == "no-store"


def test_the_password_is_stored_as_argon2id(shop, as_hashed_by_a_server):
    shop.register()
    with shop.autonomy.scope() as scope:
        stored = scope.session.scalars(select(Credential.password_hash)).one()
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize(
    ("email", "stored"),
    [
        ("Ada@Example.ORG", "ada@example.org"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("zoe\u0308@example.org", "zo\u00eb@example.org"),
    ],
)
def test_an_address_is_stored_in_canonical_form(shop, email, stored):
    assert shop.register(email).json["customer"]["email"] == stored


def test_an_address_in_another_spelling_is_taken(shop):
    shop.register("ada@bücher.example")
    refused = shop.register("ADA@XN--BCHER-KVA.example", status=409)
    assert refused.json["code"] == "email_taken"


def test_registering_a_taken_address_does_not_log_in(shop):
    shop.register()
    assert "access_token" not in shop.register(status=409).json


@pytest.mark.parametrize("password", ["xkvjqzwp", "xkvjqzwp" * 32, "xkvjqzwe\u0301" * 32])
def test_a_password_of_8_to_256_characters_is_accepted(shop, password):
    shop.register(password=password)


def test_all_invalid_fields_are_reported_at_once(shop):
    body = {"email": "ada", "password": "short", "name": " "}
    assert set(shop.post("register", body, 422).json["errors"]["body"]) == {"email", "password", "name"}


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("password", "common"),
        ("qwertyuiop", "common"),
        ("iloveyou", "common"),
        (" " * 8, "repeated"),
        ("Ada@Example.org", "personal"),
        ("Byron-King1843", "personal"),
        ("acme2026", "personal"),
    ],
)
def test_a_common_password_is_refused_with_the_reason(shop, password, reason):
    body = {"email": "ada@example.org", "password": password, "name": "Ada Byron King"}
    refused = shop.post("register", body, 422).json
    assert (refused["code"], refused["reason"]) == ("weak_password", reason)
    assert list(refused["errors"]["body"]) == ["password"]


@pytest.mark.parametrize("password", ["1234567", "x" * 257, "Ada@Example.org", "e\u0301" * 7])
def test_a_weak_password_is_refused_and_not_repeated(shop, password):
    refused = shop.register(password=password, status=422)
    assert list(refused.json["errors"]["body"]) == ["password"]
    assert password not in refused.text


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@", "ada@localhost", "a b@example.org", f"{'a' * 250}@example.org"]
)
def test_an_invalid_address_is_refused(shop, email):
    refused = shop.register(email, status=422)
    assert list(refused.json["errors"]["body"]) == ["email"]


@pytest.mark.parametrize("name", ["", " \t", "x" * 201])
def test_a_blank_or_very_long_name_is_refused(shop, name):
    body = {"email": "ada@example.org", "password": "a long engine", "name": name}
    assert list(shop.post("register", body, 422).json["errors"]["body"]) == ["name"]


@pytest.mark.parametrize("value", [None, 5, [], {}, True])
@pytest.mark.parametrize("member", ["email", "password", "name"])
def test_a_value_of_another_type_is_refused(shop, member, value):
    body = {"email": "ada@example.org", "password": "a long engine", "name": "Ada", member: value}
    assert member in shop.post("register", body, 422).json["errors"]["body"]


def test_an_organisation_without_the_plugin_has_no_registration(autonomy, shop):
    autonomy.organisation("plain", plugins=())
    shop.id = "plain"
    shop.register(status=404)


def test_the_organisations_own_host_registers_too(autonomy, shop):
    body = {"email": "ada@example.org", "password": "a long engine", "name": "Ada"}
    answer = autonomy.app.post_json("http://acme.example/api/v1/customers/register", body)
    assert urlsplit(answer.request.url).hostname == "acme.example"
    assert answer.status_int == 201
