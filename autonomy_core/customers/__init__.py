"""Customers: the buyers of an organisation. Plugins authenticate them.

`services` finds and adds customers, with and without an account. `changing`, `deletion` and `exporting` are
what a customer does with the own account, `staff` what staff do. `proving` and `merging` bring guests and
accounts together, and `erasing` removes what identifies a customer.
"""
