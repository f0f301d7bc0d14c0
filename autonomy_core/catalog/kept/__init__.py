"""Public answers of the catalogue that a process keeps: see docs/decisions/0066."""
