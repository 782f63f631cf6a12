"""Changes of the bank's change system: what they allow, what is written back to them."""
