"""Signed ``checkout.session.completed`` events that are settled per second, from HTTP to commit.

    .venv/bin/python -m bench.webhooks --rounds 3 --events 1000

===============  =============================================================================================
``ours``         the whole application with hooks of three plugins: signature, inbox, row-level security,
                 comparison, settlement, hooks, grants. The hook of ``media_mp3`` delivers the product; the
                 two of `other_kinds` find that the product is not theirs
``ours_busy``    the same, with work in each of the three hooks: ``media_mp3`` grants the product,
                 ``examples/bonus_track`` grants another product and writes a row, and `receipts` writes a row
``flask``        a hand-written shop of one organisation with Flask, SQLAlchemy and the Stripe SDK
``flask_8``      the same with 8 threads, its fastest number, regardless of the number of connections
``djstripe``     a shop with Django and dj-stripe, which requests every session from Stripe (`djstripe_shop`)
``psycopg_six``  a minimal application for the work of ``ours``: WSGI, psycopg, six round trips (`bare_app`)
``pgbench``      only the statements that a webhook of ``ours`` executes
``pgbench_six``  only the statements of ``psycopg_six``
===============  =============================================================================================

The result of a sale is the same for all but ``ours_busy``: a payment completed, a product granted. The other
contenders do not do the additional work of the two plugins of ``ours_busy`` (a second grant, and two rows
that they write through SQLAlchemy).

pgbench sends every statement in its own round trip, including the begin and the commit: five for ``pgbench``,
eight for ``pgbench_six``. ``ours`` needs two for a single event, and two for up to sixteen events that arrive
together; ``psycopg_six`` needs six for each.

dj-stripe calls Stripe three times for each event. Stripe is replaced by a separate process on the same
processors, whose processor time has its own column. It reduces the rate of ``djstripe``. So compare
``djstripe`` with the others by processor time, and use no ratio of rates without that column.

The applications run in the same server (granian, one process; one thread per connection, except for
``flask_8``). All use the same embedded PostgreSQL with full durability (``fsync`` and ``synchronous_commit``
on), each with its own database. Each round gives every contender new pending payments and one event for each,
over the same number of keep-alive connections. The contenders take turns, beginning with another one in each
round. A round is valid only if every payment is completed, granted exactly once, and all hooks have done
their work once; otherwise the run ends with an error.

All files are in a temporary directory below ``var/bench``, which is removed at the end, as are all processes.

===================  ================================================================================
`events`             the load: event documents, signed HTTP requests
`ours`               the contenders that are this project; `other_kinds` and `receipts` are plugins
                     for them only
`by_hand`            the contender with `bench.flask_app`
`bare`               the contender with `bare_app`
`djstripe`           the contender with `djstripe_shop`; `stripe_stand_in` replaces Stripe
`pgbench`            the contenders that are statements only, in ``webhook.sql`` and ``six.sql``
===================  ================================================================================
"""
