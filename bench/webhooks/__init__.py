"""How many signed ``checkout.session.completed`` events per second are settled, from HTTP to commit.

    .venv/bin/python -m bench.webhooks --rounds 3 --events 500

===============  ======================================================================================
``ours``         the whole application with its three plugins: signature, inbox, row-level security, proof,
                 settlement, hooks in savepoints, grants
``flask``        a shop of one organisation, written by hand with Flask, SQLAlchemy and the Stripe SDK
``pgbench``      the statements that one of our webhooks executes, and nothing around them: the most that
                 the database gives
``pgbench_six``  the least statements that do the same work once, in one transaction
===============  ======================================================================================

The two applications run under the same server (granian, one process, as many threads as there are connections). All
of them use one PostgreSQL, the embedded one with its durability (``fsync`` and ``synchronous_commit`` on), and
each its own database in it. Each round gives every contender new pending payments and one event for each, over as many
keep-alive connections, one contender after the other, beginning with another one each round. A round counts
only if every payment is completed and granted exactly once; otherwise the run ends with an error.

Everything is made in a directory of its own below ``var/bench`` and removed at the end, processes included.

==============  =====================================================================================
`contender`     what takes part, and what is measured of it
`events`        the load: event documents, signed HTTP requests
`load`          sends requests over several connections at once
`server`        granian around one application
`database`      the PostgreSQL, and what one may ask it as its owner
`ours`          the contender that is this project
`flask_app`     the application to compare with; `by_hand` is the contender around it
`pgbench`       the contenders that are bare statements; they are in ``webhook.sql`` and ``six.sql``
`rounds`        the contenders in turns
`report`        medians, ranges and ratios
==============  =====================================================================================
"""
