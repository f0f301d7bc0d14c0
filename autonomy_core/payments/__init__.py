"""Payments: purchase, settlement, refunds.

=====================  ===================================================================================
`views`                the calls of buyers and staff
`purchasing`           opens a payment and its checkout page; `guests` does so for buyers without an account
`offers` `terms`       what decides a purchase, and why one is refused
`settlement`           the one function that settles a payment, whatever the source of the report
`batches`              settles payments together that are reported at the same time
`refunds`              requests refunds; `refund_terms` decides which are possible
`reversals`            records reported refunds and disputes, and revokes or restores grants
`completion`           runs the plugins' hooks when a payment is completed
`reconciliation`       asks the provider about late payments
`receipts` `notices`   mail to buyers
`journal` `timeline`   what happened to a payment, in order
`domain`               the rules, without framework
=====================  ===================================================================================
"""
