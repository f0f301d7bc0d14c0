"""The effect of slow clients on others, and the rate of a file download."""
