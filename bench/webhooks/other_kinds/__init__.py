"""Plugins that deliver what is no recording: each looks at what was bought, as every plugin that delivers does."""
