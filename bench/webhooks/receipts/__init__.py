"""A plugin for the benchmark only: every completed payment gets a receipt."""
