"""The covers of products: the calls of staff, and what the catalogue shows of them."""
