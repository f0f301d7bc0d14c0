"""Gives a product to customers who verify their e-mail address.

Enable it by naming ``welcome_gift`` under ``plugins`` in an organisation's ini file. The section
``[welcome_gift]`` names the product.
"""
