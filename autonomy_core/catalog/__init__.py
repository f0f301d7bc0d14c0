"""Products: what an organisation sells."""
