"""What visitors see of the content of a product, as JSON."""
