"""From an order to a page to pay on, and what Stripe says of it when it is asked."""
