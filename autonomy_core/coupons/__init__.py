"""Coupons: codes that reduce the price of a purchase, within their limits."""
