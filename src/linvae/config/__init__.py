"""What the configuration may hold, and how it is read."""
