from threading import Event, Thread

import pytest
from argon2 import PasswordHasher

from autonomy_core.plugin_api.errors import Unavailable
from customer_auth.passwords.hashing import PARAMETERS, Match, Passwords, passwords


@pytest.fixture(scope="module")
def queue():
    return Passwords(concurrent=1)


@pytest.fixture(scope="module")
def stored(queue):
    return queue.hash("a long engine")


def test_the_right_password_matches(queue, stored):
    assert queue.matches("a long engine", stored)


@pytest.mark.parametrize("wrong", ["", "a long engine ", "A long engine", "x" * 1024, "ключ"])
def test_another_password_does_not_match(queue, stored, wrong):
    assert not queue.matches(wrong, stored)


def test_nothing_matches_where_there_is_no_password(queue):
    assert not queue.matches("a long engine", None)


@pytest.mark.parametrize("damaged", ["", "damaged", "$argon2id$v=19$m=19456,t=2,p=1$"])
def test_nothing_matches_a_damaged_hash(queue, damaged):
    assert not queue.matches("a long engine", damaged)


def test_two_hashes_of_one_password_differ(queue, stored):
    assert queue.hash("a long engine") != stored


def test_a_hash_of_today_is_not_outdated(queue, stored):
    assert queue.compare("a long engine", stored) is Match.YES


@pytest.mark.parametrize("parameters", [(1, 19456, 1), (2, 8192, 1), (1, 8192, 4)])
def test_a_hash_with_other_parameters_is_outdated(queue, parameters):
    time_cost, memory_cost, parallelism = parameters
    hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_cost, parallelism=parallelism)
    assert queue.compare("a long engine", hasher.hash("a long engine")) is Match.OUTDATED


FULL_WIDTH = "\uff41 long engine"
"""Earlier versions hashed the wide letter; now the password is the same as with a narrow one."""


def test_a_hash_of_the_form_of_an_earlier_version_is_outdated(queue):
    assert queue.compare(FULL_WIDTH, PARAMETERS.hash(FULL_WIDTH)) is Match.OUTDATED


def test_widths_of_letters_make_no_difference(queue, stored):
    assert queue.compare(FULL_WIDTH, stored) is Match.YES


def test_a_wrong_password_of_two_forms_does_not_match(queue, stored):
    assert queue.compare(FULL_WIDTH + "s", stored) is Match.NO
    assert queue.compare(FULL_WIDTH, None) is Match.NO


def test_the_number_of_concurrent_hashes_is_limited(monkeypatch):
    from customer_auth.passwords import hashing

    inside, most, go_on = [], [], Event()

    def slow(_, password):
        inside.append(password)
        most.append(len(inside))
        go_on.wait(5)
        inside.remove(password)
        return "a hash"

    monkeypatch.setattr(type(hashing.PARAMETERS), "hash", slow)
    queue = Passwords(concurrent=2)
    threads = [Thread(target=queue.hash, args=(f"password {number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join()
    assert len(most) == 6
    assert max(most) <= 2


def test_a_long_wait_for_a_turn_is_refused(monkeypatch):
    queue = Passwords(concurrent=1, longest_wait_s=0)
    with queue._turn(), pytest.raises(Unavailable) as refused:
        queue.hash("a long engine")
    assert refused.value.extra["retry_after"] > 0


def test_a_full_queue_is_refused_at_once():
    queue = Passwords(concurrent=1, longest_wait_s=60, most_waiting=0)
    with queue.place(), pytest.raises(Unavailable), queue.place():
        pass
    with queue.place():
        assert queue.hash("a long engine")


def test_a_refused_wait_uses_no_turn():
    queue = Passwords(concurrent=1, longest_wait_s=0)
    with queue._turn(), pytest.raises(Unavailable):
        queue.hash("a long engine")
    assert queue.hash("a long engine")


def test_a_process_has_one_queue():
    assert passwords(1) is passwords(1)
