import time
from uuid import RFC_4122

from autonomy_core.db.base import uuid7


def test_ids_sort_in_the_order_in_which_they_were_made():
    made = []
    for _ in range(1000):
        made.append(uuid7())
        began = time.time_ns()
        # Two within a quarter of a microsecond may come in any order.
        while time.time_ns() < began + 1000:
            pass
    assert made == sorted(made)


def test_they_are_of_version_7_and_tell_the_time():
    before = time.time_ns() // 1_000_000
    made = uuid7()
    assert (made.version, made.variant) == (7, RFC_4122)
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000
