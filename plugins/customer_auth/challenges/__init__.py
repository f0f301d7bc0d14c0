"""Proofs by mail: one machine for every link and code that a customer gets.

A customer who opens a link or types a code proves to read the mailbox of an address. `store` keeps the
challenges, `domain` has their rules, and the other modules are what a proof is good for.
"""
