"""All that a plugin may import from the core.

==================  ==================================================================================
module              what it offers
==================  ==================================================================================
``hooks``           `hookimpl`, the marker of an implementation, and `PluginSettings`
``hookspecs``       every hook: when it fires, in which transaction, whether it may run twice
``events``          the frozen objects that ``on_…`` hooks receive
``protocols``       the interfaces of payment providers, product kinds and authenticators
``scope``           `TenantScope`: one organisation, its session and its hooks; all that a service gets
``models``          the declarative base, keys within an organisation, time-ordered ids
``migrations``      what a migration of a tenant table needs
``resources``       contexts of traversal: `Resource`, `Collection`, and the core's resources
``operations``      `api_view`, a view that is validated, documented and gated
``pages``           `page_view`, a page for people; its forms, menus, slots and sessions
``schemas``         field types and schemas of the JSON API
``texts``           validation of human-readable texts that do not come from a client
``errors``          errors with a stable code
``security``        identities, permissions, ACL helpers, secrets derived for one organisation
``limits``          limits of attempts, which all processes share
``settings``        the base of a settings section's schema, secrets and references to them
``checks``          findings about an organisation, for ``autonomy tenants check --online``
``commands``        the context of an ``autonomy`` command: settings, organisations, their files
``files``           files outside the database: uploads, storage, ranges, signed links, backups
``images``          images of products and of a plugin's things: uploads, sizes, public URLs
``jobs``            background jobs
``media``           ffmpeg, as a limited process of its own
``mail``            templates of mail, the outbox, and ways to hand mail over
``webhooks``        the inbox of webhooks: what a provider's plugin gives it, and what it offers
``statements``      statements of hot paths, executed without SQLAlchemy
``currencies``      the known currencies and their decimal places
``alarms``          faults that an operator has to repair
``audit``           the audit trail, written in the transaction of the action
``catalog`` ``customers`` ``grants`` ``payments``   the core's services, as functions of a scope
==================  ==================================================================================

Nothing else of the core is public. Names listed here are changed only with notice in the changelog, under
"Hooks and plugin API".
"""

from autonomy_core.kernel.version import API_VERSION

__all__ = [
    "API_VERSION",
    "alarms",
    "audit",
    "catalog",
    "checks",
    "commands",
    "currencies",
    "customers",
    "errors",
    "events",
    "files",
    "grants",
    "hooks",
    "hookspecs",
    "images",
    "jobs",
    "limits",
    "mail",
    "media",
    "migrations",
    "models",
    "operations",
    "pages",
    "payments",
    "protocols",
    "resources",
    "schemas",
    "scope",
    "security",
    "settings",
    "statements",
    "texts",
    "webhooks",
]
