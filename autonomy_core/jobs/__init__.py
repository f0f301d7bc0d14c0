"""Work that outlives a request: Procrastinate on the same PostgreSQL, one organisation at a time.

A job is deferred on the session's own connection, so that it exists if and only if the transaction that
wanted it was committed.
"""
