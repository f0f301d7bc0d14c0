"""Settings of all tests."""

import gc

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

# No deadline: a busy machine may be slow for any example.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Exclude modules and tests from garbage collection, because they live as long as the session."""
    gc.disable()
    try:
        return (yield)
    finally:
        from autonomy_core.app import GC_THRESHOLD

        gc.enable()
        gc.freeze()
        gc.set_threshold(GC_THRESHOLD)


@pytest.fixture(scope="session")
def s3(tmp_path_factory):
    """A real S3 server with the bucket ``shop``, for tests that are marked ``processes``."""
    from tests.support.s3_server import s3_server

    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        server.make_bucket("shop")
        yield server


class Distribution(LoadFileScheduling):
    """Each file's tests run on one worker, as with ``--dist loadfile``, and those of some directories too.

    The tests of such a directory share an environment that is expensive to make on each worker.
    """

    TOGETHER = ("tests/strangers/",)

    def _split_scope(self, nodeid):
        return next((name for name in self.TOGETHER if nodeid.startswith(name)), super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Distribute the tests as `Distribution` says; another ``--dist`` than ``loadfile`` is obeyed."""
    return Distribution(config, log) if config.getvalue("dist") == "loadfile" else None
