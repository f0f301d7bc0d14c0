"""Checkout: from an order to a checkout page, and queries for its state."""
