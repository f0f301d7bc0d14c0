"""Authentication and authorisation of callers (`policy`), keys of staff (`api_keys`), and CORS (`cors`)."""
