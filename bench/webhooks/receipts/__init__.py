"""A plugin for the benchmark alone: every completed payment has a receipt."""
