"""What staff do with customers."""
