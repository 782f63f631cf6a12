"""What the rest of the portal does with alerts."""
