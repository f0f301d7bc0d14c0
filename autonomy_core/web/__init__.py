"""How a view is declared, read, gated and answered."""
