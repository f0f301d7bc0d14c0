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
    from autonomy_core.app import make_app
    from autonomy_core.runtime import make_runtime

    return make_app(make_runtime(settings), settings)
