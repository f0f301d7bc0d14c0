"""Backups: a directory with everything of a server but its secret, and a copy that is restored from it.

``domain`` says what a backup is, ``database`` and ``files`` make and restore its parts, ``services`` put them together,
``copies`` keep a restored copy from acting on live payments until an operator says so.
"""
