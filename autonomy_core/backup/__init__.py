"""Backups: a directory with all data of a server except its secret, and the restored copy of it.

``domain`` defines the parts of a backup. ``database`` and ``files`` make and restore the parts.
``services`` combines them. ``kernel.copies`` keeps a restored copy from acting on live payments until an
operator activates the copy.
"""
