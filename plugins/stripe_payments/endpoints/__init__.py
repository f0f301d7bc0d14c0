"""Webhook endpoints: the receivers of an organisation's events at Stripe.

The modules create, share, replace, remove and check them.

==============  ====================================================================================
`services`      creates, shares and removes them: at Stripe, and in the organisations' files
`rotation`      replaces one and its secret without a gap
`addresses`     their URLs
`admin`         the context of `services` and `rotation`: the organisations' files, and Stripe
`client`        the API calls about an account and its endpoints
`doctor`        ``autonomy tenants check --online``: compares the ini file with Stripe
`examination`   the calls of that check
`diagnosis`     the findings from their results
==============  ====================================================================================
"""
