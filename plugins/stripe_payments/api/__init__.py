"""Calls to Stripe, and Stripe's representation of amounts, versions, references and metadata."""
