"""Passwords: hashed, judged when they are new, and replaced."""
