"""The database: base classes, scoped sessions, isolation, migrations, the embedded server.

`database` begins transactions, and `isolation` keeps the rows of organisations apart.
"""
