"""Organisations and the ini files that describe them.

``tenants/<id>.ini`` is the only description of an organisation. `registry.TenantRegistry` keeps the
organisations in service and up to date: `watch` and `loader` read the files, `settling` decides what is
served, `record` stores the result, and `news` logs changes.
"""
