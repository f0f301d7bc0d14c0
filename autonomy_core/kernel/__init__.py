"""The shared concepts of the core and the plugins: scope, hook, provider, job, check and settlement."""
