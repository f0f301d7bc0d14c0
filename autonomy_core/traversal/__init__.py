"""Finds the context object for a URL, one segment at a time.

::

    Root
    ├── api                      Api                  organisation by Host, or the default one
    │   ├── v1                   ApiV1
    │   └── webhook              Webhooks             organisation by the path's last segment
    │       └── {provider}/{id}  a plugin's
    ├── rest                     a plugin's           organisation by Host, or the default one
    ├── releases, …              pages of plugins     organisation by Host
    └── {organisation}           OrganisationNode     organisation by the path
        ├── api/v1               ApiV1
        ├── rest                 a plugin's
        └── releases, …          pages of plugins

`ApiV1` is the same class on both paths, and so is everything below it: ``products``, ``customers``,
``admin``, and the nodes that plugins add. Nodes store their segment. Only segments with an id
(``products/{id}``) query the database.
"""
