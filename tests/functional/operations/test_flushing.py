"""A failing flush of one plugin does not prevent the others."""

from dataclasses import replace

import psycopg
import pytest
from sqlalchemy.exc import InterfaceError, OperationalError
from structlog.testing import capture_logs

from autonomy_core.operations.flushing import flush_all


class Counts:
    """Gathers for every organisation, and does as it is told."""

    def __init__(self, name, *, waiting=("acme", "beacon"), writing=None):
        self.name, self._waiting, self._writing, self.written = name, waiting, writing, []

    def waiting(self):
        if isinstance(self._waiting, Exception):
            raise self._waiting
        yield from self._waiting

    def write(self, scope):
        if self._writing is not None:
            return self._writing(scope)
        self.written.append(scope.organisation.id)
        return None


async def waits(scope):
    """A flush that writes nothing."""


def raises(scope):
    raise LookupError("a fault of the plugin's")


def cannot_encode(scope):
    "hidden\udcff".encode()


def loses_its_connection(scope):
    raise InterfaceError("SELECT 1", None, psycopg.InterfaceError("the connection is closed"))


def is_cut_off(scope):
    raise OperationalError("SELECT 1", None, psycopg.OperationalError("server closed the connection"))


@pytest.mark.parametrize(
    "bad",
    [
        Counts("bad.counts", waiting=RuntimeError("a fault of the plugin's")),
        Counts("bad.counts", writing=raises),
        Counts("bad.counts", writing=waits),
    ],
    ids=["cannot say what waits", "cannot write", "is async"],
)
def test_a_failed_flush_is_logged_and_the_others_are_written(autonomy, bad):
    for organisation_id in ("acme", "beacon"):
        autonomy.organisation(organisation_id)
    good = Counts("good.counts")
    with capture_logs() as lines:
        flush_all(replace(autonomy.runtime, flushes=(bad, good)))
    assert good.written == ["acme", "beacon"]
    assert {line["flush"] for line in lines if line["event"] == "flush.failed"} == {"bad.counts"}


@pytest.mark.parametrize("outage", [loses_its_connection, is_cut_off])
def test_a_database_outage_ends_the_flush_until_the_next_interval(autonomy, outage):
    autonomy.organisation("acme")
    good = Counts("good.counts", waiting=("acme",))
    flush_all(replace(autonomy.runtime, flushes=(Counts("bad.counts", writing=outage), good)))
    assert good.written == []


def test_the_values_in_an_error_are_not_logged(autonomy):
    autonomy.organisation("acme")
    runtime = replace(autonomy.runtime, flushes=(Counts("bad", waiting=("acme",), writing=cannot_encode),))
    with capture_logs() as lines:
        flush_all(runtime)
    (told,) = [line["error"] for line in lines if line["event"] == "flush.failed"]
    assert told.startswith("UnicodeEncodeError: ")
    assert "hidden" not in told
