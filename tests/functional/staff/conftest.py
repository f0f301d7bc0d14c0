"""An organisation with an owner, and accounts that can become staff."""

import pytest

from tests.functional.staff.desk import Desk


@pytest.fixture
def desk(autonomy):
    return Desk(autonomy)


@pytest.fixture
def owner(desk):
    return desk.headers(desk.member("olive@example.org", "owner"))
