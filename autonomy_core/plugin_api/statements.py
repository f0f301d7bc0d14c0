"""Statements of hot paths, executed past SQLAlchemy: for ``scope.execute_directly``, ``execute_later``, ``execute_alone``."""

from __future__ import annotations

from autonomy_core.db.pipeline import Statement
from autonomy_core.db.statements import compiled, parameter

__all__ = ["Statement", "compiled", "parameter"]
