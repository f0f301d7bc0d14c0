"""Prices of products: fixed or chosen by the buyer, in one currency or in several."""
