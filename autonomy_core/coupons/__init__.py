"""Coupons: codes that make a purchase cheaper, as often as their limits allow."""
