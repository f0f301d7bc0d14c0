"""All that a plugin may import from the core.

==================  ==================================================================================
module              what it offers
==================  ==================================================================================
``hooks``           `hookimpl`, the marker of an implementation, and `PluginSettings`
``hookspecs``       every hook: when it fires, in which transaction, whether it may run twice
``events``          the frozen objects that ``on_…`` hooks take
``protocols``       what a payment provider, a product kind or an authenticator must be able to do
``scope``           `TenantScope`: one organisation, its session and its hooks; all that a service gets
``models``          the declarative base, keys within an organisation, time-ordered ids
``migrations``      what a migration of a tenant table needs
``resources``       contexts of traversal: `Resource`, `Collection`, and the core's nodes to hang from
``operations``      `api_view`, a view that is validated, documented and gated
``schemas``         field types and shapes of the wire
``texts``           what may be in a text that people read, for texts that no client sends
``errors``          errors with a stable code
``security``        identities, permissions, ACL helpers, secrets derived for one organisation
``settings``        the base of a settings section's schema, secrets and references to them
``checks``          findings about an organisation, for ``autonomy tenants check --online``
``commands``        what a command of ``autonomy`` is given: settings, organisations, their files
``files``           files outside the database, for backups
``jobs``            work that outlives a request
``statements``      statements of hot paths, executed past SQLAlchemy
``currencies``      which there are, and how many decimal places each has
``alarms``          what a person has to look at, because no job can put it right
``audit``           who did what, recorded in the transaction that does it
``catalog`` ``customers`` ``grants`` ``payments``   what the core knows, as functions on a scope
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
    "jobs",
    "migrations",
    "models",
    "operations",
    "payments",
    "protocols",
    "resources",
    "schemas",
    "scope",
    "security",
    "settings",
    "statements",
    "texts",
]
