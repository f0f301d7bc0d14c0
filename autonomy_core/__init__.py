"""Autonomy Server: many organisations sell their recordings from one server."""
