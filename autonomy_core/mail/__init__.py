"""Mail: an outbox in the database, from which the worker renders and sends.

`services` puts a mail into the outbox, in the transaction of what it is about. The job of `jobs` claims it
(`delivery`), renders it (`rendering`), hands it over (`carrier`, `backends`), and records the answer
(`results`). `templates` and `overrides` find its text; `suppressions` has the addresses that get no mail.
"""
