"""Staff: members with roles, their invitations, and their API keys."""
