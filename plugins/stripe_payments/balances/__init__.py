"""Fees and changes of the balance, fetched from Stripe."""
