"""Which names were right a while ago."""

from __future__ import annotations

from media_mp3.subsonic.authentication import MOST_REMEMBERED, REMEMBERED_FOR_S, RecentSuccesses

KEY = ("acme", "phone", "192.0.2.1")


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def test_a_success_is_remembered_for_a_while_and_until_a_failure():
    clock = Clock()
    seen = RecentSuccesses(clock)
    assert not seen.has(KEY)

    seen.add(KEY)
    assert seen.has(KEY)
    assert not seen.has(("beacon", *KEY[1:]))
    assert not seen.has((*KEY[:2], "192.0.2.2"))

    clock.now += REMEMBERED_FOR_S
    assert not seen.has(KEY)

    seen.add(KEY)
    seen.forget(KEY)
    assert not seen.has(KEY)


def test_only_so_many_are_remembered():
    seen = RecentSuccesses(Clock())
    for number in range(MOST_REMEMBERED + 1):
        seen.add(("acme", f"name {number}", "192.0.2.1"))
    assert not seen.has(("acme", "name 0", "192.0.2.1"))
    assert seen.has(("acme", f"name {MOST_REMEMBERED}", "192.0.2.1"))
