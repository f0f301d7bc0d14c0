"""Webhook endpoints: where Stripe posts an organisation's events, made, shared, replaced and removed, and looked at.

==============  ====================================================================================
`services`      makes, shares and removes them: at Stripe, and in the organisations' files
`rotation`      replaces one and its secret without a gap
`addresses`     their URLs
`desk`          where `services` and `rotation` work: the files on one side, Stripe on the other
`client`        the calls about an account and its endpoints
`commands`      ``autonomy stripe webhook``
`doctor`        ``autonomy tenants check --online``: compares the ini file with what Stripe has
`diagnosis`     what follows from what it finds
==============  ====================================================================================
"""
