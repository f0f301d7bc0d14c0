"""An authenticator app and recovery codes, as the second step of a login."""

import pytest
from sqlalchemy import func, select, text, update

from autonomy_core.plugin_api.models import utcnow
from autonomy_core.security.models import RateCount
from customer_auth.models import Flow
from customer_auth.second_factors.models import RecoveryCode, Totp
from tests.functional.customer_auth.second_factors import call, code_at, enrol, protect


@pytest.fixture
def app(shop):
    return protect(shop, shop.register().json["access_token"])


def begin(shop):
    """The first step of a login."""
    refused = shop.login(status=403).json
    assert refused["code"] == "second_factor_required"
    return refused


def complete(shop, flow, code, status=200):
    return shop.post("login/second-factor", {"flow": flow, "code": code}, status)


def factors(shop, token):
    return call(shop, "get", "second-factors", token, status=200).json


def test_an_account_has_no_second_factor_at_first(shop):
    token = shop.register().json["access_token"]
    assert factors(shop, token) == {"totp": False, "totp_since": None, "recovery_codes_left": 0}
    shop.login()


def test_an_app_counts_only_after_its_proof(shop):
    token = shop.register().json["access_token"]
    enrolled = enrol(shop, token)
    assert factors(shop, token)["totp"] is False
    shop.login()
    call(shop, "post", "second-factors/totp/confirm", token, {"code": "000000"}, 422)
    shop.login()
    call(shop, "post", "second-factors/totp/confirm", token, {"code": enrolled.code()}, 200)
    begin(shop)


def test_a_repeated_enrolment_replaces_an_unproven_secret(shop):
    token = shop.register().json["access_token"]
    first, second = enrol(shop, token), enrol(shop, token)
    call(shop, "post", "second-factors/totp/confirm", token, {"code": first.code()}, 422)
    call(shop, "post", "second-factors/totp/confirm", token, {"code": second.code()}, 200)


def test_a_proven_app_cannot_be_replaced(shop, app):
    for path, body in (("second-factors/totp", {}), ("second-factors/totp/confirm", {"code": app.code()})):
        answer = call(shop, "post", path, app.access_token, body, 409)
        assert answer.json["code"] == "second_factor_exists"


def test_there_is_nothing_to_confirm_before_an_enrolment(shop):
    token = shop.register().json["access_token"]
    call(shop, "post", "second-factors/totp/confirm", token, {"code": "123456"}, 404)


def test_a_login_has_two_steps(shop, app):
    refused = begin(shop)
    assert refused["methods"] == ["totp", "recovery_code"]
    tokens = complete(shop, refused["flow"], app.code()).json
    assert shop.me(tokens["access_token"]).json["email"] == "ada@example.org"


def test_the_first_step_gives_no_tokens(shop, app):
    assert not {"access_token", "refresh_token"} & set(begin(shop))


def test_a_wrong_password_does_not_reach_the_second_step(shop, app):
    assert shop.login(password="another engine", status=401).json["code"] == "invalid_credentials"


def test_a_code_is_refused_when_it_is_replayed(shop, app):
    flows, code = [begin(shop)["flow"] for _ in range(2)], app.code()
    complete(shop, flows[0], code)
    assert complete(shop, flows[1], code, 422).json["code"] == "wrong_code"


def test_an_older_code_is_refused_after_a_newer_one(shop, app):
    now, flows = utcnow(), [begin(shop)["flow"] for _ in range(2)]
    complete(shop, flows[0], code_at(app.secret, now))
    complete(shop, flows[1], code_at(app.secret, now, -1), 422)


def test_the_code_of_the_enrolment_opens_no_login(shop):
    token = shop.register().json["access_token"]
    enrolled = enrol(shop, token)
    code = enrolled.code()
    call(shop, "post", "second-factors/totp/confirm", token, {"code": code}, 200)
    complete(shop, begin(shop)["flow"], code, 422)


def test_a_flow_stays_after_a_wrong_code_and_ends_after_a_right_one(shop, app):
    flow = begin(shop)["flow"]
    complete(shop, flow, "000000", 422)
    complete(shop, flow, app.code())
    app.forget_step()
    assert complete(shop, flow, app.code(), 401).json["code"] == "invalid_flow"


def test_a_flow_expires(shop, app):
    flow = begin(shop)["flow"]
    with shop.autonomy.scope() as scope:
        scope.session.execute(update(Flow).values(expires_at=utcnow()))
    complete(shop, flow, app.code(), 401)


def test_a_flow_is_unknown_in_another_organisation(shop, other_shop, app):
    flow = begin(shop)["flow"]
    other_shop.register()
    complete(other_shop, flow, app.code(), 401)
    complete(shop, flow, app.code())


def test_an_app_opens_only_its_own_account(shop, app):
    other = protect(shop, shop.register("eve@example.org").json["access_token"])
    complete(shop, begin(shop)["flow"], other.code(), 422)


@pytest.mark.parametrize("flow", ["", "unknown", "x" * 1024])
def test_an_unknown_flow_is_refused(shop, app, flow):
    complete(shop, flow, app.code(), 401)


def test_each_recovery_code_works_once(shop, app):
    assert len(set(app.recovery_codes)) == 10
    code = app.recovery_codes[3]
    complete(shop, begin(shop)["flow"], code.upper().replace("-", " "))
    complete(shop, begin(shop)["flow"], code, 422)
    assert factors(shop, app.access_token)["recovery_codes_left"] == 9


def test_new_recovery_codes_replace_the_old_ones(shop, app):
    answer = call(shop, "post", "second-factors/recovery-codes", app.access_token, {}, 201)
    complete(shop, begin(shop)["flow"], app.recovery_codes[0], 422)
    complete(shop, begin(shop)["flow"], answer.json["recovery_codes"][0])


def test_without_an_app_there_are_no_recovery_codes(shop):
    token = shop.register().json["access_token"]
    call(shop, "post", "second-factors/recovery-codes", token, {}, 404)


def test_enrolling_ends_logins_that_had_one_factor(shop, asked_each_time):
    before = shop.register().json
    app = protect(shop, shop.login().json["access_token"])
    shop.me(before["access_token"], 401)
    shop.refresh(before["refresh_token"], 401)
    shop.me(app.access_token)


def test_a_removed_app_is_not_asked_for(shop, app):
    call(shop, "delete", "second-factors/totp", app.access_token, status=204)
    call(shop, "delete", "second-factors/totp", app.access_token, status=404)
    shop.login()
    assert factors(shop, app.access_token)["recovery_codes_left"] == 0


def test_wrong_codes_of_an_account_are_limited(shop, app):
    flow = begin(shop)["flow"]
    for _ in range(5):
        complete(shop, flow, "000000", 422)
    assert complete(shop, flow, app.code(), 429).json["retry_after"] > 0


def test_a_recovery_code_passes_while_codes_are_limited(shop, app):
    """A thief who has the password cannot lock the owner out by guessing."""
    flow = begin(shop)["flow"]
    for _ in range(5):
        complete(shop, flow, "000000", 422)
    complete(shop, flow, app.recovery_codes[0])


def test_right_codes_do_not_count(shop, app):
    for _ in range(7):
        complete(shop, begin(shop)["flow"], app.code())
        app.forget_step()


def test_wrong_recovery_codes_are_limited_by_the_clients_address(make_shop):
    shop = make_shop(failed_logins_per_address=3)
    app = protect(shop, shop.register().json["access_token"])
    flow = begin(shop)["flow"]
    for _ in range(3):
        complete(shop, flow, "0000-0000-0000-0000", 422)
    complete(shop, flow, app.recovery_codes[0], 429)
    shop.address = "198.51.100.7"
    complete(shop, flow, app.recovery_codes[0])


def test_a_password_change_keeps_the_second_factor(shop, app):
    tokens = shop.change_password(app.access_token, "a long engine", "a longer engine").json
    shop.me(tokens["access_token"])
    shop.login(password="a longer engine", status=403)


def test_a_password_change_ends_a_login_that_has_begun(shop, app):
    flow = begin(shop)["flow"]
    shop.change_password(app.access_token, "a long engine", "a longer engine")
    complete(shop, flow, app.code(), 401)


def test_no_secret_and_no_code_is_stored_in_clear(shop, app):
    begin(shop)
    with shop.autonomy.scope() as scope:
        stored = [
            scope.session.scalars(select(text(f"{model.__tablename__}::text")).select_from(model)).all()
            for model in (Totp, RecoveryCode, Flow, RateCount)
        ]
    said = str(stored)
    assert app.secret.hex() not in said
    assert app.recovery_codes[0] not in said
    assert app.recovery_codes[0].replace("-", "") not in said


def test_a_secret_opens_for_its_own_customer_only(shop, app):
    other = protect(shop, shop.register("eve@example.org").json["access_token"])
    with shop.autonomy.scope() as scope:
        mine, theirs = scope.session.scalars(select(Totp).order_by(Totp.created_at)).all()
        mine.sealed_secret = theirs.sealed_secret
    complete(shop, begin(shop)["flow"], other.code(), 422)


def test_an_expired_flow_is_removed_by_a_later_one(shop, app):
    begin(shop)
    with shop.autonomy.scope() as scope:
        scope.session.execute(update(Flow).values(expires_at=utcnow()))
    begin(shop)
    with shop.autonomy.scope() as scope:
        assert scope.session.scalar(select(func.count(Flow.id))) == 1


@pytest.mark.parametrize("path", ["second-factors", "second-factors/totp"])
def test_second_factors_need_a_login(shop, path):
    shop.autonomy.app.get(f"/acme/api/v1/customers/{path}", status=401)
