"""Plugins for other kinds of products: each checks the purchased product, as every delivering plugin does."""
