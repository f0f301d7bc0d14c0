"""Whoever buys a product is given a bonus.

Switch it on by naming ``bonus_track`` under ``plugins`` in an organisation's ini file, and say in its section
``[bonus_track]`` which product is the bonus.
"""
