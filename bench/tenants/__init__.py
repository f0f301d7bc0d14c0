"""What many organisations cost: start-up, memory, and the look for changes, with 1, 100 and 10,000 of them."""
