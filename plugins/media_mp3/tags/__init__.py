"""ID3 tags, read by our own code."""
