"""What whoever runs the server needs: health, metrics, structured logs with request ids.

================== ====================================================================
``/health/live``   200 while the process answers at all
``/health/ready``  200 or 503, and what was looked at; see `health`
``/metrics``       for Prometheus; see `metrics`
================== ====================================================================

They are there on every host and belong to no organisation.
"""

from __future__ import annotations

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    """Install the tween and the three URLs."""
    config.include("autonomy_core.web.directives")
    config.include("autonomy_core.operations.request_log")
    config.include("autonomy_core.operations.health")
    config.include("autonomy_core.operations.metrics")
