"""What slow clients cost the others, and how fast one file is sent."""
