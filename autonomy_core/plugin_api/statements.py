"""Statements of hot paths, executed without SQLAlchemy.

They are arguments of ``scope.execute_at_driver``, ``execute_later`` and ``execute_alone``.
"""

from __future__ import annotations

from autonomy_core.db.pipeline import Statement
from autonomy_core.db.statements import compiled, parameter

__all__ = ["Statement", "compiled", "parameter"]
