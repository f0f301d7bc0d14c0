"""The demonstration that `make demo` runs, and the material it sells."""
