"""Benchmarks: the server beside its peers, on the same machine, in turns. They print ratios, which travel.

===================  ==============================================================================================
`bench.webhooks`     events of Stripe's that are settled per second
`bench.purchase`     purchases that are begun per second
`bench.tenants`      start-up, memory and the look for changes, with 1, 100 and 10,000 organisations
===================  ==============================================================================================

The last one has no peers, and prints differences. The first two are made of the same parts:

==============  ===================================================================================================
`benchmark`     the command line; makes everything, plays the rounds, prints the table, removes everything
`contender`     what takes part, and what is measured of it
`rounds`        the contenders in turns
`load`          sends requests over several connections at once
`server`        granian around one application, and other processes
`database`      the PostgreSQL, and what one may ask it as its owner
`report`        medians, ranges and ratios
`installation`  this project, installed in a database of the benchmark and served
`flask_app`     the application to compare with: a shop of one organisation, by hand
`by_hand`       its database, and the process that serves it
==============  ===================================================================================================
"""
