"""How many signed ``checkout.session.completed`` events per second are settled, from HTTP to commit.

    .venv/bin/python -m bench.webhooks --rounds 3 --events 1000

===============  ======================================================================================================
``ours``         the whole application with hooks of three plugins: signature, inbox, row-level security, proof, settlement,
                 hooks, grants. One hook, ``media_mp3``'s, delivers what was bought; two, those of `other_kinds`, see that it
                 is not theirs
``ours_busy``    the same, where each of the three hooks has work: ``media_mp3`` grants what was bought,
                 ``examples/bonus_track`` grants another product and notes it in its table, and `receipts` writes a row
``flask``        a shop of one organisation, written by hand with Flask, SQLAlchemy and the Stripe SDK
``flask_8``      the same with 8 threads, which suit it best, however many connections there are
``djstripe``     such a shop with Django and dj-stripe, which asks Stripe for every session again (`djstripe_shop`)
``psycopg_six``  the least application that does the work of ``ours``: WSGI, psycopg, six round trips (`bare_app`)
``pgbench``      the statements that a webhook of ``ours`` executes, and nothing around them
``pgbench_six``  the statements of ``psycopg_six``, and nothing around them
===============  ======================================================================================================

What a sale comes to is the same for all but ``ours_busy``: a payment completed, a product granted. What the two more plugins of
``ours_busy`` do (a second grant, two rows, which they write through SQLAlchemy) is done by nobody else.

pgbench sends every statement in a round trip of its own, the beginning and the end of the transaction too: five for
``pgbench``, eight for ``pgbench_six``. ``ours`` takes two for an event that comes alone, and for up to sixteen that arrive
together; ``psycopg_six`` takes six for each.

What stands for Stripe when dj-stripe asks it, three times for each event, is a process of its own on the same
processors, whose processor time is a column of its own. It takes its part of the rate of ``djstripe``: whoever
compares ``djstripe`` with the others compares their processor time, and no ratio of rates without that column.

The applications run under the same server (granian, one process; as many threads as there are connections, but for
``flask_8``). All of them use one PostgreSQL, the embedded one with its durability (``fsync`` and ``synchronous_commit``
on), and each its own database in it. Each round gives every contender new pending payments and one event for each, over as many
keep-alive connections, one contender after the other, beginning with another one each round. A round counts
only if every payment is completed, granted exactly once, and all hooks have done their work once; otherwise the run
ends with an error.

Everything is made in a directory of its own below ``var/bench`` and removed at the end, processes included.

===================  ================================================================================
`events`             the load: event documents, signed HTTP requests
`ours`               the contenders that are this project; `other_kinds` and `receipts` are plugins for them
                     alone
`by_hand`            the contender around `bench.flask_app`
`bare`               the contender around `bare_app`
`djstripe`           the contender around `djstripe_shop`; `stripe_stand_in` answers it for Stripe
`pgbench`            the contenders that are bare statements, in ``webhook.sql`` and ``six.sql``
===================  ================================================================================
"""
