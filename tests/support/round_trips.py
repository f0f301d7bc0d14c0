"""Count the round trips to PostgreSQL: libpq's own trace has every message that a connection sends."""

import re
import tempfile
from contextlib import contextmanager

ENDS_A_ROUND_TRIP = re.compile(rb"^\S+ \S+\tF\t\d+\t(?:Sync|Query)\b", re.MULTILINE)
"""Messages after which a client waits. https://www.postgresql.org/docs/current/protocol-flow.html"""


class Wire:
    """The trace of any number of psycopg's connections, in one file."""

    def __init__(self, output):
        self._output = output

    def listen(self, driver):
        driver.pgconn.trace(self._output.fileno())

    @property
    def round_trips(self):
        self._output.flush()
        self._output.seek(0)
        return len(ENDS_A_ROUND_TRIP.findall(self._output.read()))


@contextmanager
def listening(*drivers):
    """Trace these connections until the block ends; the block may add others with `Wire.listen`."""
    with tempfile.TemporaryFile() as output:
        wire = Wire(output)
        for driver in drivers:
            wire.listen(driver)
        try:
            yield wire
        finally:
            for driver in drivers:
                driver.pgconn.untrace()
