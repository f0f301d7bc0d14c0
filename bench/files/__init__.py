"""Downloads of files: their rate, and their effect on others."""
