"""Endpoints and logging for operators: health, metrics, structured logs with request ids.

================== ===========================================================
``/health/live``   200 while the process responds
``/health/ready``  200 or 503, with the results of all checks; see `health`
``/metrics``       for Prometheus; see `metrics`
================== ===========================================================

They exist on every host and belong to no organisation.
"""

from __future__ import annotations

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    """Add the tween and the three URLs."""
    config.include("autonomy_core.web.directives")
    config.include("autonomy_core.operations.request_log")
    config.include("autonomy_core.operations.health")
    config.include("autonomy_core.operations.metrics")
