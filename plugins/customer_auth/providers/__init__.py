"""Sign in with other providers of identities, by OpenID Connect.

`services` has the two steps of a login, `protocol` talks to the provider, and `flows` seals what the client
keeps between the steps.
"""
