"""Grants: who owns what, by which payment and which plugin."""
