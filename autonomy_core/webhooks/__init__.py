"""The inbox of webhooks for any provider: it verifies, stores, handles, retries and replays events.

`views` receives an event, `receiving` verifies it, `inbox` stores and handles it, and `jobs` retries it.
"""
