from argon2 import PasswordHasher
from sqlalchemy import select, update

from customer_auth.models import Credential
from customer_auth.passwords import hashing


def stored_hash(shop):
    with shop.autonomy.scope(shop.id) as scope:
        return scope.session.scalars(select(Credential.password_hash)).one()


def test_a_customer_logs_in_in_any_spelling_of_the_address(shop):
    shop.register("ada@example.org")
    answer = shop.login("ADA@example.org").json
    assert set(answer) == {"access_token", "refresh_token", "token_type", "expires_in", "device_token"}
    assert shop.me(answer["access_token"]).json["email"] == "ada@example.org"


def test_a_password_is_equal_in_every_unicode_composition(shop):
    shop.register(password="ma\u00f1ana ma\u00f1ana")
    shop.login(password="man\u0303ana man\u0303ana")


def test_unknown_address_and_wrong_password_have_the_same_answer(shop):
    shop.register()
    wrong = shop.login(password="another engine", status=401)
    unknown = shop.login("eve@example.org", status=401)
    assert wrong.json["code"] == "invalid_credentials"
    assert wrong.body == unknown.body
    headers = [{**answer.headers, "X-Request-ID": ""} for answer in (wrong, unknown)]
    assert headers[0] == headers[1]


def test_an_unknown_address_costs_a_hash_verification_too(shop, as_hashed_by_a_server, monkeypatch):
    verified = []
    real = hashing.PARAMETERS.verify
    monkeypatch.setattr(
        type(hashing.PARAMETERS), "verify", lambda _, *given: verified.append(given[0]) or real(*given)
    )
    shop.login("eve@example.org", status=401)
    assert len(verified) == 1
    assert verified[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_customer_without_a_password_cannot_log_in(shop):
    shop.autonomy.customer("acme", "ada@example.org")
    assert shop.login(status=401).json["code"] == "invalid_credentials"


def test_a_refused_login_has_a_www_authenticate_header(shop):
    assert shop.login(status=401).headers["WWW-Authenticate"].startswith("Bearer")


def test_an_outdated_hash_is_renewed_by_a_login(shop, as_hashed_by_a_server):
    shop.register()
    weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("a long engine")
    with shop.autonomy.scope() as scope:
        scope.session.execute(update(Credential).values(password_hash=weak))
    shop.login()
    assert "m=19456,t=2,p=1" in stored_hash(shop)
    shop.login()


def test_a_hash_of_an_earlier_normal_form_is_renewed_by_a_login(shop):
    password = "\uff41 long engine"
    shop.register(password=password)
    before = hashing.PARAMETERS.hash(password)
    with shop.autonomy.scope() as scope:
        scope.session.execute(update(Credential).values(password_hash=before))
    shop.login(password=password)
    assert stored_hash(shop) != before
    shop.login(password="a long engine")


def test_a_failed_login_renews_no_hash(shop):
    shop.register()
    weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("a long engine")
    with shop.autonomy.scope() as scope:
        scope.session.execute(update(Credential).values(password_hash=weak))
    shop.login(password="another engine", status=401)
    assert stored_hash(shop) == weak


def test_an_unreadable_hash_is_a_wrong_password(shop):
    shop.register()
    with shop.autonomy.scope() as scope:
        scope.session.execute(update(Credential).values(password_hash="damaged"))
    shop.login(status=401)


def test_no_connection_is_held_while_a_password_is_hashed(committed_shop, monkeypatch):
    from customer_auth.passwords.hashing import Passwords

    held = []
    pool = committed_shop.autonomy.database.engine.pool

    def watched(real):
        def call(self, *given):
            held.append(pool.checkedout())
            return real(self, *given)

        return call

    monkeypatch.setattr(Passwords, "hash", watched(Passwords.hash))
    monkeypatch.setattr(Passwords, "compare", watched(Passwords.compare))
    committed_shop.register()
    committed_shop.login()
    assert held == [0, 0]
