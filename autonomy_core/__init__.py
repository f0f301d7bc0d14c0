"""Autonomy Server: many organisations sell their recordings from one server."""

from __future__ import annotations

import gc
from typing import Any

GARBAGE_BEFORE_A_LOOK = 10_000
"""How many new objects make the garbage collector look for cycles among them: a few requests', instead of a part of one's."""


def main(global_config: dict[str, str], **settings: Any) -> Any:
    """The WSGI application, for PasteDeploy.

    Args:
        global_config: the ini file's ``[DEFAULT]``.
        settings: the keys of ``[app:main]``; see `autonomy_core.settings`.

    Raises:
        SettingsError, PluginError: with every problem and what to do about it.
    """
    from granian.utils.proxies import wrap_wsgi_with_proxy_headers

    from autonomy_core.app import make_app
    from autonomy_core.operations.flushing import keep_flushing
    from autonomy_core.operations.logging import configure_from
    from autonomy_core.operations.signals import reload_on_hangup
    from autonomy_core.runtime import make_runtime

    configure_from(settings)
    runtime = make_runtime(settings)
    reload_on_hangup(runtime.tenants)
    app = make_app(runtime, settings)
    if runtime.flushes:
        keep_flushing(runtime)
    _spare_the_collector()
    proxies = runtime.settings.trusted_proxies
    return wrap_wsgi_with_proxy_headers(app, list(proxies)) if proxies else app


def _spare_the_collector() -> None:
    """What has been made by now lives as long as the process: the garbage collector need not look at it ever again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_BEFORE_A_LOOK, *gc.get_threshold()[1:])
