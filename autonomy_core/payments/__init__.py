"""Payments: one function settles them, whoever brings the news."""
