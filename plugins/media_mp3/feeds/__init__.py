"""Feeds: a product as a private podcast and as a playlist, at URLs with a token that its owner can revoke.

`domain` writes the documents, and `services` finds what a token opens.
"""
