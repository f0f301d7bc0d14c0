"""Limits of calls: counted attempts, proof of work, and bounds of calls to other servers."""
