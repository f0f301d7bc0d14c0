"""The web application: a table of contents.

`configure_core` includes the core's parts, with what each one gives. These modules are not among them:

====================  ====================================================================================
module                what it does
====================  ====================================================================================
``runtime``           makes what all processes share, and calls the plugins' ``register_…`` hooks
``tenancy.registry``  reads the organisations' ini files, and reloads them
``db.isolation``      keeps the rows of organisations apart; `db.database` begins transactions
``webhooks.views``    receives webhooks; `include_webhooks` registers its calls
``files.services``    stores uploaded files; `files.responses` answers with a file or a range of it
``security.limits``   counts attempts, such as logins and wrong codes, and refuses too many
``mail.services``     puts mail into the outbox; `mail.delivery` hands it over
``edge.application``  runs this application, and sends its answers
``jobs.worker``       runs jobs, in a process of its own
====================  ====================================================================================

The plugins are beside this package: ``customer_auth`` (accounts and logins), ``media_mp3`` (recordings),
``storefront`` (pages of a shop) and ``stripe_payments`` (Stripe's checkouts, refunds and events). The
``plugin.py`` of each lists what it registers.
"""

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
from autonomy_core.kernel.runtime import Runtime, runtime_of
from autonomy_core.operations.flushing import keep_flushing
from autonomy_core.operations.logging import configure_from
from autonomy_core.operations.signals import reload_on_hangup
from autonomy_core.runtime import make_runtime
from autonomy_core.traversal.request import make_request_class_once, refuse_broken_bodies
from autonomy_core.traversal.resources import root_factory
from autonomy_core.web.places import overrides, sign_actions
from autonomy_core.web.request_transactions import commit_veto
from autonomy_core.webhooks.views import add_source

GC_THRESHOLD = 10_000
"""The garbage collector runs after this many new objects, which is less than once per request."""


def main(global_config: dict[str, str], **settings: Any) -> Any:
    """The WSGI application, for PasteDeploy.

    Args:
        global_config: the section ``[DEFAULT]`` of the ini file.
        settings: the keys of ``[app:main]``; see `autonomy_core.settings`.

    Raises:
        SettingsError, PluginError: with every problem and its remedy.
    """
    configure_from(settings)
    runtime = make_runtime(settings)
    reload_on_hangup(runtime.tenants)
    app = make_app(runtime, settings)
    if runtime.flushes:
        keep_flushing(runtime)
    _freeze_existing_objects()
    proxies = runtime.settings.trusted_proxies
    return wrap_wsgi_with_proxy_headers(app, list(proxies)) if proxies else app


def _freeze_existing_objects() -> None:
    """Exclude all existing objects from garbage collection: they live as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, *gc.get_threshold()[1:])


def attempts(request: Request) -> int | None:
    """The number of attempts for a request: one if its body is large, because a retry would need a copy.

    So the views of uploads read the body themselves, and a body that is too large is rejected unread.
    """
    # The size of a chunked body is unknown.
    unknown = "Transfer-Encoding" in request.headers
    return 1 if unknown or (request.content_length or 0) > request.request_body_tempfile_limit else None


PYRAMID_SETTINGS = {
    "retry.attempts": 3,
    "retry.activate_hook": attempts,
    "tm.manager_hook": "pyramid_tm.explicit_manager",
    "tm.commit_veto": commit_veto,
    # Otherwise pyramid_tm would authenticate the caller only to annotate the transaction.
    "tm.annotate_user": False,
}


def make_app(runtime: Runtime, settings: Mapping[str, Any] | None = None) -> Router:
    """Create the application of this process.

    Args:
        runtime: the runtime of the process.
        settings: the keys of ``[app:main]``, for Pyramid.

    Raises:
        PluginError, ConfigurationError: see `configure`.
    """
    app = configure(runtime, settings).make_wsgi_app()
    make_request_class_once(app)
    refuse_broken_bodies(app)
    runtime.tenants.start()
    return app


def configure(runtime: Runtime, settings: Mapping[str, Any] | None = None) -> Configurator:
    """Configure the core and the plugins, without connecting to a server or reading an organisation's file.

    Args:
        runtime: the runtime of the process.
        settings: the keys of ``[app:main]``, for Pyramid.

    Raises:
        PluginError, ConfigurationError: a plugin's registration conflicts with another. The message names it.
    """
    config = configure_core(runtime, settings)
    # Use include(), because registrations of the application itself would silently override the core's.
    config.include(include_plugins)
    try:
        config.commit()
    except ConfigurationConflictError as error:
        raise PluginError(
            f"two calls or nodes want one place: give one of them another name, method or context\n{error}"
        ) from error
    for problem in overrides(config):
        raise PluginError(problem)
    return config


def configure_core(runtime: Runtime, settings: Mapping[str, Any] | None = None) -> Configurator:
    """Configure everything except the plugins."""
    config = Configurator(settings={**(settings or {}), **PYRAMID_SETTINGS}, root_factory=root_factory)
    config.registry._runtime = runtime  # noqa: SLF001 - see runtime_of
    # Around every request: pyramid_retry repeats it after a collision; pyramid_tm ends its transaction.
    config.include("pyramid_retry")
    config.include("pyramid_tm")
    config.include("autonomy_core.operations")  # the log, and the endpoints for operators
    config.include("autonomy_core.security.cors")
    # From the URL to the organisation and the context, and from the view to the answer.
    config.include("autonomy_core.traversal.request")  # request.organisation, and the scope
    config.include("autonomy_core.web.directives")  # config.add_child, for the resource tree
    config.include("autonomy_core.web.gate")  # 404 if the view's plugin is disabled
    config.include("autonomy_core.web.operations")  # api_view: the declaration of a view
    config.include("autonomy_core.web.request_transactions")  # where a transaction begins and ends
    config.include("autonomy_core.idempotency.deriver")  # Idempotency-Key
    config.include("autonomy_core.web.problems")  # errors become application/problem+json
    # Pages for people, see docs/decisions/0081.
    config.include("autonomy_core.pages.operations")  # page_view: the declaration of a page
    config.include("autonomy_core.pages.visitors")  # the tokens of forms
    config.include("autonomy_core.pages.answering")  # pages of errors, and the headers of all pages
    config.include("autonomy_core.traversal.tree")  # the top of the resource tree
    config.include("autonomy_core.security.related_origins")
    config.include("autonomy_core.security.policy")  # the identity and the permissions of the caller
    config.include("autonomy_core.pages.views")  # static files
    # The API: views, which call the services of their package.
    config.include("autonomy_core.accounting.views")  # figures, and the export of payments
    config.include("autonomy_core.catalog.views")
    config.include("autonomy_core.catalog.covers.views")
    config.include("autonomy_core.catalog.kept.answering")  # answers the catalogue from memory
    config.include("autonomy_core.codes.views")
    config.include("autonomy_core.images.views")  # public files of images
    config.include("autonomy_core.files.uploads.views")  # the tus protocol
    config.include("autonomy_core.coupons.views")
    config.include("autonomy_core.customers.views")
    config.include("autonomy_core.grants.views")
    config.include("autonomy_core.mail.views")
    config.include("autonomy_core.staff.views")
    config.include("autonomy_core.payments.views")  # purchases and refunds
    config.include("autonomy_core.openapi")  # the description of all calls
    return config


def include_plugins(config: Configurator) -> None:
    """Include each plugin's views and webhooks with its package, so that the gate finds their plugin.

    `kernel.manager` finds the plugins; `kernel.hookspecs` lists what they may register.
    """
    for implementation in runtime_of(config.registry).plugins.implementations("register_views"):
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
    for plugin in dict.fromkeys(plugin for plugin, _ in runtime_of(config.registry).webhook_sources):
        before = len(config.action_state.actions)
        include_webhooks(config, plugin)
        sign_actions(config, plugin, before)


def include_webhooks(config: Configurator, plugin: str) -> None:
    """Register the calls of a plugin's sources of webhooks."""
    runtime = runtime_of(config.registry)
    for owner, source in runtime.webhook_sources:
        if owner == plugin:
            package = runtime.plugins.modules[plugin].__name__
            add_source(config.with_package(package), plugin, source)
