"""The audit log: who did what in an organisation. Each action writes its entry in its own transaction."""
