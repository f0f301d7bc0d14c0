"""Autonomy Server: many organisations sell their recordings from one server."""

from __future__ import annotations

from typing import Any


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
    proxies = runtime.settings.trusted_proxies
    return wrap_wsgi_with_proxy_headers(app, list(proxies)) if proxies else app
