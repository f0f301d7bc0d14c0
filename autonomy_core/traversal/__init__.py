"""From a URL to a context object, a segment at a time.

::

    Root
    ├── api                      Api                  organisation by Host, or the default one
    │   ├── v1                   ApiV1
    │   └── webhook              Webhooks             organisation by the path's last segment
    │       └── {provider}/{id}  a plugin's
    └── {organisation}           OrganisationNode     organisation by the path
        └── api/v1               ApiV1

`ApiV1` is the same class on either path, and so is everything below it: ``products``, ``customers``,
``admin``, and what plugins hang from them. Contexts hold what their segment names; only identity segments
(``products/{id}``) ask the database.
"""
