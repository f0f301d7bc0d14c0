"""A computing task that a client solves before a call that bots repeat."""

import json
from base64 import b64decode, b64encode
from datetime import timedelta

import altcha
import pytest

from customer_auth.domain import WorkPurpose
from customer_auth.limits import work
from tests.functional.customer_auth.concurrent_calls import at_once, statuses
from tests.functional.customer_auth.mailing import bearer, customer
from tests.functional.customer_auth.shop import PASSWORD

NAMES = iter(range(1_000_000))


@pytest.fixture(autouse=True)
def cheap_tasks(monkeypatch):
    monkeypatch.setattr(work, "COST", 1)


@pytest.fixture
def strict_shop(make_shop):
    return make_shop(proof_of_work="always")


def challenge_of(shop, purpose="register"):
    return shop.autonomy.app.get(f"/{shop.id}/api/v1/customers/proof-of-work?purpose={purpose}").json


def solved(challenge):
    task = altcha.Challenge.from_dict(challenge)
    return altcha.Payload(task, altcha.solve_challenge(task)).to_base64()


def body(solution=None):
    who = {"email": f"customer{next(NAMES)}@example.org", "password": PASSWORD, "name": "Ada"}
    return who if solution is None else {**who, "proof_of_work": solution}


def register(shop, solution=None, status=201):
    return shop.post("register", body(solution), status)


def require(shop, purpose, solution):
    with shop.autonomy.scope(shop.id) as scope:
        work.require_work(scope, purpose, solution)


def test_a_solved_task_is_accepted(strict_shop):
    register(strict_shop, solved(challenge_of(strict_shop)))


def test_a_call_without_a_solution_gets_the_task(strict_shop):
    refused = register(strict_shop, status=403).json
    assert refused["code"] == "proof_of_work_required"
    register(strict_shop, solved(refused["challenge"]))


def test_a_solution_is_accepted_once(strict_shop):
    solution = solved(challenge_of(strict_shop))
    register(strict_shop, solution)
    refused = register(strict_shop, solution, 403).json
    register(strict_shop, solved(refused["challenge"]))


def test_another_spelling_of_a_used_solution_is_refused(strict_shop):
    solution = solved(challenge_of(strict_shop))
    register(strict_shop, solution)
    register(
        strict_shop, b64encode(json.dumps(json.loads(b64decode(solution)), indent=2).encode()).decode(), 403
    )


def test_a_solution_is_spent_by_a_call_that_fails_later(strict_shop):
    solution = solved(challenge_of(strict_shop))
    taken = register(strict_shop, solved(challenge_of(strict_shop))).json["customer"]["email"]
    strict_shop.post("register", {**body(solution), "email": taken}, 409)
    register(strict_shop, solution, 403)


def test_a_solution_is_not_spent_by_invalid_input(strict_shop):
    solution = solved(challenge_of(strict_shop))
    strict_shop.post("register", {**body(solution), "password": "password"}, 422)
    register(strict_shop, solution)


def test_a_solution_for_another_purpose_is_refused(strict_shop):
    register(strict_shop, solved(challenge_of(strict_shop, "sign_in")), 403)


def test_a_solution_for_another_organisation_is_refused(make_shop, strict_shop):
    other = make_shop("beacon", proof_of_work="always")
    register(strict_shop, solved(challenge_of(other)), 403)


def test_an_expired_solution_is_refused(strict_shop):
    with strict_shop.autonomy.scope(strict_shop.id) as scope:
        expired = work.new_challenge(scope, WorkPurpose.REGISTER, timedelta(seconds=-2))
    register(strict_shop, solved(expired), 403)


@pytest.mark.parametrize(
    "forge",
    [
        lambda payload: payload["challenge"]["parameters"].update(keyPrefix=""),
        lambda payload: payload["challenge"].update(signature="0" * 64),
        lambda payload: payload["challenge"].pop("signature"),
        lambda payload: payload["solution"].update(counter=-1),
        lambda payload: payload["solution"].update(counter="1"),
        lambda payload: payload["solution"].update(derivedKey="00"),
        lambda payload: payload.pop("solution"),
    ],
)
def test_a_forged_solution_is_refused(strict_shop, forge):
    payload = json.loads(b64decode(solved(challenge_of(strict_shop))))
    forge(payload)
    register(strict_shop, b64encode(json.dumps(payload).encode()).decode(), 403)


@pytest.mark.parametrize("rubbish", ["x", "é", "e30=", "bnVsbA==", "W10=", b64encode(b"[" * 3000).decode()])
def test_a_solution_that_is_none_is_refused(strict_shop, rubbish):
    register(strict_shop, rubbish, 403)


def test_few_calls_need_no_solution_and_many_do(make_shop):
    shop = make_shop(calls_without_work=2)
    register(shop)
    register(shop)
    refused = register(shop, status=403).json
    register(shop, solved(refused["challenge"]))
    register(shop, status=403)


def test_the_calls_of_another_organisation_do_not_count(make_shop):
    shop, other = make_shop(calls_without_work=1), make_shop("beacon", calls_without_work=1)
    register(shop)
    register(other)


def test_all_purposes_of_an_organisation_count_together(make_shop):
    shop = make_shop(calls_without_work=1)
    require(shop, WorkPurpose.LIBRARY_LINK, None)
    with pytest.raises(work.ProofOfWorkRequired):
        require(shop, WorkPurpose.PASSWORD_RESET, None)


def test_many_calls_to_the_process_need_a_solution(shop, monkeypatch):
    full = work.ProcessBucket()
    while full.counts(work.RateLimit(1200, work.WORK_PERIOD), work.utcnow()):
        pass
    monkeypatch.setattr(work, "PROCESS", full)
    assert register(shop, status=403).json["code"] == "proof_of_work_required"


def test_an_organisation_can_do_without(make_shop):
    shop = make_shop(proof_of_work="never", calls_without_work=1)
    for _ in range(3):
        register(shop)


@pytest.mark.parametrize("query", ["", "?purpose=login", "?purpose="])
def test_a_task_is_for_one_of_the_calls(shop, query):
    shop.autonomy.app.get(f"/{shop.id}/api/v1/customers/proof-of-work{query}", status=422)


@pytest.mark.concurrent
def test_concurrent_uses_of_one_solution_succeed_once(committed):
    from tests.functional.customer_auth.opening import open_shop

    shop = open_shop(committed, proof_of_work="always")
    solution = solved(challenge_of(shop))
    answers = at_once(shop, "register", [body(solution) for _ in range(50)])
    assert statuses(answers) == {201: 1, 403: 49}


def test_another_mail_for_verification_may_need_a_solution(strict_shop):
    ada = bearer(strict_shop, customer(strict_shop).id)
    refused = strict_shop.post("email/verification", {}, 403, ada).json
    assert refused["code"] == "proof_of_work_required"
    body = {"proof_of_work": solved(refused["challenge"])}
    strict_shop.post("email/verification", body, 202, ada)
    strict_shop.post("email/verification", body, 403, ada)
    wrong = {"proof_of_work": solved(challenge_of(strict_shop))}
    strict_shop.post("email/verification", wrong, 403, ada)
