"""Products: what an organisation sells.

`services` adds and changes products. `availability` decides what is on sale and delivered, `finding` filters,
sorts and pages lists, `bundles` has products of several products, and `covers` their images.
"""
