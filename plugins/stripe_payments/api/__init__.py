"""Calls to Stripe, and what they say in Stripe's words: amounts, versions, references, metadata."""
