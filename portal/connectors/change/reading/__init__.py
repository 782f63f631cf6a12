"""What change systems answer, read. Pure."""
