"""The pages of a shop for visitors.

To enable it for an organisation, add ``storefront`` to ``plugins`` in its ini file. A section
``[storefront]`` is optional.
"""
