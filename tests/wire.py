"""How often the server is asked: what a connection sends is written down by libpq itself, whoever sends it."""

import re
import tempfile
from contextlib import contextmanager

ENDS_A_ROUND_TRIP = re.compile(rb"^\S+ \S+\tF\t\d+\t(?:Sync|Query)\b", re.MULTILINE)
"""Messages after which a client waits for the server. https://www.postgresql.org/docs/current/protocol-flow.html"""


class Wire:
    """What was written down, of as many of psycopg's connections as there are."""

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
    """Listen to some connections, and to others that the block names, until its end."""
    with tempfile.TemporaryFile() as output:
        wire = Wire(output)
        for driver in drivers:
            wire.listen(driver)
        try:
            yield wire
        finally:
            for driver in drivers:
                driver.pgconn.untrace()
