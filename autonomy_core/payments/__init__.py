"""Payments: purchase, settlement, refunds.

`views` calls `purchasing` and `refunds`. One function settles payments, whatever the source of the report:
`settlement.settle`.
"""
