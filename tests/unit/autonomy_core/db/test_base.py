import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import RFC_4122, UUID

import pytest

from autonomy_core.db import base
from autonomy_core.db.base import uuid7


def test_ids_sort_in_the_order_of_their_creation():
    made = []
    for _ in range(1000):
        made.append(uuid7())
        began = time.time_ns()
        # Two ids of the same quarter of a microsecond may have any order.
        while time.time_ns() < began + 1000:
            pass
    assert made == sorted(made)


def test_an_id_for_another_time_sorts_by_that_time():
    times = [datetime(2026, 3, 1, microsecond=each, tzinfo=UTC) for each in (0, 1, 2, 999_999)]
    made = [uuid7(at) for at in times]
    assert made == sorted(made)
    assert made[0].int >> 80 == times[0].timestamp() * 1000
    assert made[-1] < uuid7()


def test_ids_are_uuids_of_version_7_with_the_time():
    before = time.time_ns() // 1_000_000
    made = uuid7()
    assert (made.version, made.variant) == (7, RFC_4122)
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000


@pytest.mark.processes
def test_a_forked_process_makes_other_ids_than_its_parent():
    made = uuid7()
    from_child, to_parent = os.pipe()
    if not os.fork():
        os.write(to_parent, b"".join(uuid7().bytes for _ in range(100)))
        os._exit(0)
    os.wait()
    sent = os.read(from_child, 100 * 16)
    childs = {_random(UUID(bytes=sent[start : start + 16])) for start in range(0, len(sent), 16)}
    assert len(childs) == 100
    assert not childs & {_random(id_) for id_ in (made, *(uuid7() for _ in range(100)))}


def test_each_thread_has_its_own_random_state():
    together = threading.Barrier(4)

    def make(_):
        together.wait(30)
        made = [_random(uuid7()) for _ in range(1000)]
        together.wait(30)
        return made, base._RANDOM._numbers

    with ThreadPoolExecutor(4) as threads:
        made, sources = zip(*threads.map(make, range(4)), strict=True)
    assert len({number for each in made for number in each}) == 4000
    assert len({id(source) for source in sources}) == 4


def _random(id_):
    """The part that does not depend on the time."""
    return id_.int & (1 << 62) - 1
