"""Background jobs: Procrastinate on the same PostgreSQL. A job runs in one organisation.

`services` defers a job, `worker` takes jobs from the queue, and `running` runs one.

A job is deferred on the session's own connection, so it exists if and only if the transaction commits.
"""
