"""Logins: their tokens, the clients that have them, and what authenticated them."""
