"""Organisations and the ini files that describe them.

``tenants/<id>.ini`` is the only description of an organisation. `registry.TenantRegistry` keeps the files in
service and up to date; `loader` reads them; `cli` is ``autonomy tenants``.
"""
