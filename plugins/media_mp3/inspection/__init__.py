"""The inspection of an upload, in a limited child process."""
