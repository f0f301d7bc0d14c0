"""Benchmarks: the server beside its peers, on the same machine, in turns. They print ratios, which travel."""
