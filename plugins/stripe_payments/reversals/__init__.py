"""Refunds and disputes: asked for, and read from Stripe's objects."""
