"""Customers who register and log in with an e-mail address and a password.

Switch it on for an organisation by naming it under ``plugins`` in its ini file; a section ``[customer_auth]``
is optional. What it does, call by call: docs/customer-authentication-system.md.
"""
