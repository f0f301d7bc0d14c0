"""The cost of 1, 100 and 10,000 organisations: start-up, memory and detection of changes."""
