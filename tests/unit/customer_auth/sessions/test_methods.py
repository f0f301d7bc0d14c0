from datetime import UTC, datetime, timedelta
from itertools import combinations, product

import pytest

from customer_auth.sessions.methods import AUTHENTICATORS, RECENT_FOR, Method, is_recent, with_factors

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(("one", "other"), list(combinations(AUTHENTICATORS, 2)))
def test_two_kinds_of_authenticators_are_two_factors(one, other):
    for first, second in product(one, other):
        assert Method.TWO_FACTORS in with_factors([first, second])


@pytest.mark.parametrize("methods", [*AUTHENTICATORS, *({each} for each in Method), set()], ids=sorted)
def test_methods_that_replace_one_another_are_one_factor(methods):
    assert with_factors(methods) == methods


def test_a_passkey_that_verified_its_user_is_two_factors():
    assert Method.TWO_FACTORS in with_factors([Method.SECURITY_KEY, Method.TWO_FACTORS])


def test_an_authentication_is_recent_for_ten_minutes():
    assert is_recent(NOW, NOW + RECENT_FOR - timedelta(seconds=1))
    assert not is_recent(NOW, NOW + RECENT_FOR)
