from threading import Event, Thread

import pytest

from autonomy_core.plugin_api.errors import Unavailable
from customer_auth.passwords import Passwords, passwords


@pytest.fixture(scope="module")
def queue():
    return Passwords(at_once=1)


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


def test_a_hash_of_today_is_not_outdated(stored):
    assert not Passwords.is_outdated(stored)


@pytest.mark.parametrize("parameters", ["m=19456,t=1,p=1", "m=8192,t=2,p=1", "m=65536,t=3,p=4"])
def test_a_hash_with_other_parameters_is_outdated(stored, parameters):
    assert Passwords.is_outdated(stored.replace("m=19456,t=2,p=1", parameters))


def test_no_more_are_hashed_at_once_than_is_allowed(monkeypatch):
    from customer_auth import passwords as module

    inside, most, go_on = [], [], Event()

    def slow(_, password):
        inside.append(password)
        most.append(len(inside))
        go_on.wait(5)
        inside.remove(password)
        return "a hash"

    monkeypatch.setattr(type(module.PARAMETERS), "hash", slow)
    queue = Passwords(at_once=2)
    threads = [Thread(target=queue.hash, args=(f"password {number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join()
    assert len(most) == 6
    assert max(most) <= 2


def test_who_waits_too_long_is_told_to_come_again(monkeypatch):
    queue = Passwords(at_once=1, longest_wait_s=0)
    with queue._turn(), pytest.raises(Unavailable) as refused:
        queue.hash("a long engine")
    assert refused.value.extra["retry_after"] > 0


def test_a_refusal_takes_nobodys_turn():
    queue = Passwords(at_once=1, longest_wait_s=0)
    with queue._turn(), pytest.raises(Unavailable):
        queue.hash("a long engine")
    assert queue.hash("a long engine")


def test_a_process_has_one_queue():
    assert passwords(1) is passwords(1)
