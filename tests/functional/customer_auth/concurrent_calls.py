"""Calls at the same moment."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psycopg
from webtest import TestApp

from autonomy_core.testing.locks import BLOCKED


def at_once(shop, call, bodies):
    """Post the bodies at the same moment; gives the answers."""
    path = f"/{shop.id}/api/v1/customers/{call}"

    def post(body):
        return TestApp(shop.autonomy.app.app).post_json(
            path, body, expect_errors=True, extra_environ={"REMOTE_ADDR": shop.address}
        )

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(post, bodies))


def statuses(answers):
    return Counter(answer.status_int for answer in answers)


def wait_for_a_lock(database):
    until = time.monotonic() + 20
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        while not connection.execute(BLOCKED).fetchall():
            assert time.monotonic() < until, "nothing waits"
            time.sleep(0.02)
