"""What all tests share."""

import gc

import pytest

from autonomy_core import GARBAGE_BEFORE_A_LOOK


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Keep the garbage collector from looking at modules and tests, which live as long as the session."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
        gc.set_threshold(GARBAGE_BEFORE_A_LOOK)
