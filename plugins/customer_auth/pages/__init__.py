"""Pages: to log in, and to log out."""
