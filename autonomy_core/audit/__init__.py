"""What was done to an organisation, by whom: written with the act itself, in its transaction."""
