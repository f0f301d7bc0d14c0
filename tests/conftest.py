"""What all tests share."""

import gc

import pytest
from hypothesis import HealthCheck, settings

# A busy machine takes its time for any example.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Keep the garbage collector from looking at modules and tests, which live as long as the session."""
    gc.disable()
    try:
        return (yield)
    finally:
        from autonomy_core.app import GARBAGE_BEFORE_A_LOOK

        gc.enable()
        gc.freeze()
        gc.set_threshold(GARBAGE_BEFORE_A_LOOK)
