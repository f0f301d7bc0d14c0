"""Authentication and authorisation of callers (`policy`), keys of staff (`api_keys`), and CORS (`cors`).

`limits` counts attempts of callers, and refuses too many.
"""
