"""Benchmarks: the server and its peers on the same machine, in turns. They print ratios, which are portable.

================  ============================================================================================
`bench.webhooks`  Stripe events that are settled per second
`bench.purchase`  purchases that are begun per second
`bench.tenants`   start-up, memory and detection of changes, with 1, 100 and 10,000 organisations
================  ============================================================================================

The last one has no peers, and prints differences. The first two share these parts:

==============  ==============================================================================================
`benchmark`     the command line: sets up, runs the rounds, prints the table, cleans up
`contender`     a participant, and its timings
`rounds`        runs the contenders in turns
`load`          sends requests over several connections at once
`server`        granian with one application, and other processes
`database`      the PostgreSQL server, and statements as its owner
`report`        medians, ranges and ratios
`installation`  this project, installed in a database of the benchmark and served
`flask_app`     the application to compare with: a hand-written shop of one organisation
`by_hand`       its database, and the process that serves it
==============  ==============================================================================================
"""
