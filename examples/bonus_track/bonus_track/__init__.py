"""Gives a bonus product to customers who buy another product.

Enable it by naming ``bonus_track`` under ``plugins`` in an organisation's ini file. The section
``[bonus_track]`` names the bonus product.
"""
