"""The web application: a table of contents."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import Any

from granian.utils.proxies import wrap_wsgi_with_proxy_headers
from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationConflictError, ConfigurationError
from pyramid.request import Request
from pyramid.router import Router

from autonomy_core.kernel.manager import PluginError
from autonomy_core.kernel.runtime import Runtime
from autonomy_core.operations.flushing import keep_flushing
from autonomy_core.operations.logging import configure_from
from autonomy_core.operations.signals import reload_on_hangup
from autonomy_core.runtime import make_runtime
from autonomy_core.traversal.request import make_request_class_once, refuse_broken_bodies
from autonomy_core.traversal.resources import root_factory
from autonomy_core.web.places import sign_actions, usurpations
from autonomy_core.web.request_transactions import commit_veto

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


def attempts(request: Request) -> int | None:
    """How often a request is tried: once where its body is large, because to try again it would be copied first.

    Uploads thereby reach their views unread, and are refused unread when they are too large.
    """
    # A chunked body does not say how large it is.
    unknown = "Transfer-Encoding" in request.headers
    return 1 if unknown or (request.content_length or 0) > request.request_body_tempfile_limit else None


PYRAMID_SETTINGS = {
    "retry.attempts": 3,
    "retry.activate_hook": attempts,
    "tm.manager_hook": "pyramid_tm.explicit_manager",
    "tm.commit_veto": commit_veto,
    # It would authenticate within the tween, for the sake of a note on the transaction.
    "tm.annotate_user": False,
}


def make_app(runtime: Runtime, settings: Mapping[str, Any] | None = None) -> Router:
    """Make the application of the collaborators of this process."""
    app = configure(runtime, settings).make_wsgi_app()
    make_request_class_once(app)
    refuse_broken_bodies(app)
    runtime.tenants.start()
    return app


def configure(runtime: Runtime, settings: Mapping[str, Any] | None = None) -> Configurator:
    """Configure core and plugins. Nothing is connected to, and no organisation's file is read.

    Raises:
        PluginError, ConfigurationError: a plugin cannot have what it registers; the message names it.
    """
    config = configure_core(runtime, settings)
    # Included, and not called: what the application itself registers would replace the core's without a word.
    config.include(include_plugins)
    try:
        config.commit()
    except ConfigurationConflictError as error:
        raise PluginError(
            f"two calls or nodes want one place: give one of them another name, method or context\n{error}"
        ) from error
    for problem in usurpations(config):
        raise PluginError(problem)
    return config


def configure_core(runtime: Runtime, settings: Mapping[str, Any] | None = None) -> Configurator:
    """Configure everything but the plugins."""
    config = Configurator(settings={**(settings or {}), **PYRAMID_SETTINGS}, root_factory=root_factory)
    config.registry.runtime = runtime
    config.include("pyramid_retry")
    config.include("pyramid_tm")
    config.include("autonomy_core.operations")
    config.include("autonomy_core.security.cors")
    config.include("autonomy_core.traversal.request")
    config.include("autonomy_core.web.directives")
    config.include("autonomy_core.web.gate")
    config.include("autonomy_core.web.operations")
    config.include("autonomy_core.web.request_transactions")
    config.include("autonomy_core.idempotency.deriver")
    config.include("autonomy_core.web.problems")
    config.include("autonomy_core.traversal.tree")
    config.include("autonomy_core.security.policy")
    config.include("autonomy_core.catalog.views")
    config.include("autonomy_core.coupons.views")
    config.include("autonomy_core.customers.views")
    config.include("autonomy_core.grants.views")
    config.include("autonomy_core.payments.views")
    config.include("autonomy_core.openapi")
    return config


def include_plugins(config: Configurator) -> None:
    """Include each plugin's views, as its own package, so that the gate knows whose they are."""
    for implementation in config.registry.runtime.plugins.implementations("register_views"):
        with_package = config.with_package(implementation.function.__module__)
        before = len(config.action_state.actions)
        try:
            implementation(config=with_package)
        except PluginError:
            raise
        except ConfigurationError as error:
            raise ConfigurationError(f"plugin {implementation.plugin}: {error}") from error
        except (Exception, SystemExit) as error:
            raise implementation.failed(error) from error
        sign_actions(config, implementation.plugin, before)
