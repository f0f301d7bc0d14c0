"""Fixtures of the tests of the documents."""

from __future__ import annotations

import pytest

from tests.docs.stack import running_stack


@pytest.fixture(scope="session")
def stack():
    """A running server with both sample shops."""
    with running_stack() as started:
        yield started
