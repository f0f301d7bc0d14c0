"""Second factors: one-time codes of an authenticator app, recovery codes, and the check of each login.

`gate` decides about every login, `services` has the second step of a login and re-authentication, and `totp`
and `recovery` keep the factors.
"""
