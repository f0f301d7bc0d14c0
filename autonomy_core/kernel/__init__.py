"""What the core and every plugin mean by scope, hook, provider, job, check and settlement."""
