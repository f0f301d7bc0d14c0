"""`autonomy stripe …`."""
