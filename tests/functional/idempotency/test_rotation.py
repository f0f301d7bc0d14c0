"""During a rotation, processes with the old and the new secret work side by side."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from webtest import TestApp

from autonomy_core.app import make_app
from autonomy_core.tenancy.secrets import Secret
from tests.functional.idempotency.shop import KEY, is_replay

pytestmark = pytest.mark.concurrent

OLD = Secret("the old secret of the server".ljust(40, "."))
NEW = Secret("the new secret of the server".ljust(40, "."))
ROUNDS = 8


@pytest.fixture
def processes(committed_shop):
    """Two processes of one server, as they are while each is restarted in turn."""

    def start(secret, *previous):
        runtime = committed_shop.autonomy.runtime
        settings = replace(runtime.settings, secret=secret, previous_secrets=previous)
        return make_app(replace(runtime, settings=settings))

    return start(OLD, NEW), start(NEW, OLD)


def told(answer):
    if answer.status_int == 201:
        return "replayed" if is_replay(answer) else "worked"
    return answer.json["code"]


def test_one_key_is_executed_once_by_processes_with_two_secrets(committed_shop, processes):
    together = Barrier(8)

    def work(number, key):
        together.wait()
        headers = {"Idempotency-Key": key}
        client = TestApp(processes[number % 2])
        return client.post_json("/acme/api/v1/works", {"note": key}, headers=headers, expect_errors=True)

    with ThreadPoolExecutor(8) as threads:
        for turn in range(ROUNDS):
            key = f"{KEY}-{turn}"
            outcomes = Counter(map(told, threads.map(work, range(8), [key] * 8)))
            assert outcomes["worked"] == 1
            assert set(outcomes) <= {"worked", "replayed", "idempotency_in_progress"}
    assert len(committed_shop.works) == ROUNDS


def test_an_answer_of_one_process_is_replayed_by_the_other(committed_shop, processes):
    for first, second, key in ((*processes, "a" * 20), (*reversed(processes), "b" * 20)):
        headers = {"Idempotency-Key": key}
        done = TestApp(first).post_json("/acme/api/v1/works", {"note": key}, headers=headers, status=201)
        again = TestApp(second).post_json("/acme/api/v1/works", {"note": key}, headers=headers, status=201)
        assert is_replay(again)
        assert again.json == done.json
