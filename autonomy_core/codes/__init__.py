"""Download codes: a customer who redeems one gets a product without a payment."""
