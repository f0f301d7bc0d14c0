"""Mail: an outbox in the database, from which the worker renders and sends."""
