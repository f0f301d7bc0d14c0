"""Grants: which customer owns which product, by which payment and which plugin."""
