"""What Stripe posts: verified, read, and handled by type."""
