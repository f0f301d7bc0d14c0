"""Checks of an organisation, for plugins."""

from __future__ import annotations

from autonomy_core.kernel.checks import Finding, OrganisationCheck, Severity, as_far_as_found

__all__ = ["Finding", "OrganisationCheck", "Severity", "as_far_as_found"]
