"""Passkeys: credentials of WebAuthn, with which a customer logs in without a password."""
