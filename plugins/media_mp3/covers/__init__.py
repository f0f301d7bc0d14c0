"""The covers of tracks that have another one than their product."""
