"""The database: base classes, scoped sessions, isolation, migrations, the embedded server."""
