"""Renditions: the files of the formats that an organisation sells, which the worker makes from the masters.

`planning` says which files there have to be and what they are made of, `jobs` makes the missing ones with
`making`, and `services` finds the finished ones.
"""
