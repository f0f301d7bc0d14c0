"""Customers who register and log in with an e-mail address and a password.

Enable it for an organisation by naming it under ``plugins`` in the organisation's ini file. The section
``[customer_auth]`` is optional. The calls are described in docs/customer-authentication-system.md.
"""
