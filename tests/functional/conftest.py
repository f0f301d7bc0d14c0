"""What all functional tests share."""

from collections.abc import Iterator

import pytest

from tests.support.hashes import cheap_hashes
from tests.support.statements import listen_to_statements


@pytest.fixture(scope="module", autouse=True)
def _cheap_hashes() -> Iterator[None]:
    with cheap_hashes():
        yield


@pytest.fixture(scope="session")
def _violations() -> Iterator[list[str]]:
    violations: list[str] = []
    yield from listen_to_statements(violations)


@pytest.fixture(autouse=True)
def _every_statement_names_the_organisation(_violations: list[str]) -> Iterator[None]:
    """Row-level security would hide a forgotten condition: see docs/decisions/0040."""
    _violations.clear()
    yield
    assert _violations == []
