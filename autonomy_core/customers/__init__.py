"""Customers: the buyers of an organisation. Plugins authenticate them."""
