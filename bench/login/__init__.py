"""How much logins, whose passwords are hashed, slow down the catalogue."""
