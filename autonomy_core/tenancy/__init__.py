"""Organisations and the ini files that describe them.

``tenants/<id>.ini`` is the only description of an organisation. `registry.TenantRegistry` keeps the files in
service and up to date: `watch` and `loader` read them, `settling` decides what is served, `record` remembers it,
`news` tells of it. `cli` is ``autonomy tenants``.
"""
